//! Exceptions in response headers. Counterpart of `ServerCall.setExceptionResponse` and `RemoteWithExtrasException`.
//!
//! A Java client builds the named class from the text of `stack_trace`, whose first line is class and message. It can
//! build `IOException`s only, so a Java server wraps everything else into one; so does this one.

use hmaster_protocol::pb;
use hmaster_types::{Address, JavaException, class};

/// An exception that a server answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteException {
    /// Class, message, and whether asking again is pointless.
    pub exception: JavaException,
    /// Where the region went, with `RegionMovedException`.
    pub moved_to: Option<Address>,
    /// The server has more to do than it can: wait longer than usual before asking again.
    pub server_overloaded: bool,
}

impl RemoteException {
    /// What a response header says.
    pub fn from_response(response: &pb::ExceptionResponse) -> Self {
        let port = response.port.and_then(|port| u16::try_from(port).ok());
        Self {
            exception: JavaException::from(response),
            moved_to: response.hostname.clone().zip(port).map(|(host, port)| Address { host, port }),
            server_overloaded: response.server_overloaded(),
        }
    }

    /// True if Java counts the class among those that end the connection.
    pub fn is_fatal(&self) -> bool {
        let subclasses = [
            class::FATAL_CONNECTION,
            class::WRONG_VERSION,
            class::BAD_AUTH,
            class::UNKNOWN_SERVICE,
            class::UNSUPPORTED_CELL_CODEC,
            class::UNSUPPORTED_COMPRESSION_CODEC,
            class::UNSUPPORTED_CRYPTO,
            class::EMPTY_SERVICE_NAME,
        ];
        subclasses.iter().any(|class| self.exception.is(*class))
    }
}

/// What goes into the response header of a call that failed.
pub fn to_response(exception: &JavaException) -> pb::ExceptionResponse {
    if is_no_io_exception(exception) {
        let message = format!("{}\nCaused by: {}", exception.message, exception.stack_trace());
        return (&JavaException::new(class::IO, message)).into();
    }
    exception.into()
}

/// What goes into the response header of an answer to the connection. Clients compare the text from its beginning, so
/// the class isn't in it.
pub fn to_fatal_response(exception: &JavaException) -> pb::ExceptionResponse {
    pb::ExceptionResponse { stack_trace: Some(exception.message.clone()), ..exception.into() }
}

/// `RpcServer.call` wraps what isn't an `IOException`. What the decoding of a request throws doesn't pass there.
fn is_no_io_exception(exception: &JavaException) -> bool {
    let elsewhere = [class::REPLICATION, class::PROCEDURE_ABORTED, class::REMOTE_PROCEDURE];
    exception.class.starts_with("java.lang.") || elsewhere.iter().any(|class| exception.is(*class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_message_and_flag_come_back() {
        for class in [class::TABLE_EXISTS, class::PLEASE_HOLD, class::YOU_ARE_DEAD, class::CONSTRAINT] {
            let exception = JavaException::new(class, "two\nlines: of text");
            let remote = RemoteException::from_response(&to_response(&exception));
            assert_eq!(remote.exception, exception);
            assert_eq!((remote.moved_to, remote.server_overloaded), (None, false));
        }
    }

    #[test]
    fn what_java_cannot_rebuild_is_wrapped() {
        let exception = JavaException::new(class::ILLEGAL_STATE, "not now");
        let response = to_response(&exception);
        assert_eq!(response.exception_class_name(), "java.io.IOException");
        assert_eq!(
            response.stack_trace(),
            "java.io.IOException: not now\nCaused by: java.lang.IllegalStateException: not now"
        );
        let io = JavaException::new(class::IO, "plain");
        assert_eq!(to_response(&io).stack_trace(), "java.io.IOException: plain");
    }

    #[test]
    fn a_moved_region_says_where_to() {
        let text = "Region moved to: hostname=rs2.example port=16020 startCode=17. As of locationSeqNum=5.";
        let remote =
            RemoteException::from_response(&to_response(&JavaException::new(class::REGION_MOVED, text)));
        let address = Address { host: "rs2.example".into(), port: 16020 };
        assert_eq!((remote.moved_to, remote.exception.message.as_str()), (Some(address), text));
    }

    #[test]
    fn overload_is_flagged() {
        let response = to_response(&JavaException::new(class::CALL_QUEUE_TOO_BIG, ""));
        assert!(RemoteException::from_response(&response).server_overloaded);
    }

    #[test]
    fn an_empty_response_is_an_exception_without_a_name() {
        let remote = RemoteException::from_response(&pb::ExceptionResponse::default());
        assert_eq!(remote.exception, JavaException::named("", "", false));
        assert!(!remote.is_fatal());
    }

    #[test]
    fn fatal_answers_start_with_their_text() {
        let exception = JavaException::new(class::FATAL_CONNECTION, "Expected HEADER=…");
        let response = to_fatal_response(&exception);
        assert_eq!(response.stack_trace(), "Expected HEADER=…");
        assert!(RemoteException::from_response(&response).is_fatal());
    }
}
