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
        let class = response.exception_class_name().to_owned();
        let message = message(&class, response.stack_trace()).to_owned();
        let port = u16::try_from(response.port()).ok().filter(|_| response.port.is_some());
        let moved_to = response.hostname.clone().zip(port).map(|(host, port)| Address { host, port });
        Self {
            exception: JavaException::named(class, message, response.do_not_retry()),
            moved_to,
            server_overloaded: response.server_overloaded(),
        }
    }

    /// True if Java counts the class among those that end the connection.
    pub fn is_fatal(&self) -> bool {
        const SUBCLASSES_ELSEWHERE: [&str; 2] = [
            "org.apache.hadoop.hbase.ipc.UnsupportedCryptoException",
            "org.apache.hadoop.hbase.ipc.EmptyServiceNameException",
        ];
        let subclasses = [
            class::FATAL_CONNECTION,
            class::WRONG_VERSION,
            class::BAD_AUTH,
            class::UNKNOWN_SERVICE,
            class::UNSUPPORTED_CELL_CODEC,
            class::UNSUPPORTED_COMPRESSION_CODEC,
        ];
        subclasses.iter().any(|class| self.exception.is(*class))
            || SUBCLASSES_ELSEWHERE.contains(&&*self.exception.class)
    }
}

/// What goes into the response header of a call that failed.
pub fn to_response(exception: &JavaException) -> pb::ExceptionResponse {
    if is_no_io_exception(exception) {
        let (class, message, cause) = (class::IO.name, &exception.message, exception.stack_trace());
        return response(class, format!("{class}: {message}\nCaused by: {cause}"), false);
    }
    let mut response = response(&exception.class, exception.stack_trace(), exception.do_not_retry);
    if exception.is(class::REGION_MOVED)
        && let Some(Address { host, port }) = region_moved_to(&exception.message)
    {
        response.hostname = Some(host);
        response.port = Some(i32::from(port));
    }
    if exception.is(class::CALL_QUEUE_TOO_BIG) || exception.is(class::CALL_DROPPED) {
        response.server_overloaded = Some(true);
    }
    response
}

/// What goes into the response header of an answer to the connection. Clients compare the text from its beginning, so
/// the class isn't in it.
pub fn to_fatal_response(exception: &JavaException) -> pb::ExceptionResponse {
    response(&exception.class, exception.message.clone(), exception.do_not_retry)
}

fn response(class: &str, stack_trace: String, do_not_retry: bool) -> pb::ExceptionResponse {
    pb::ExceptionResponse {
        exception_class_name: Some(class.to_owned()),
        stack_trace: Some(stack_trace),
        hostname: None,
        port: None,
        do_not_retry: Some(do_not_retry),
        server_overloaded: None,
    }
}

/// `RpcServer.call` wraps what isn't an `IOException`. What the decoding of a request throws doesn't pass there.
fn is_no_io_exception(exception: &JavaException) -> bool {
    exception.class.starts_with("java.lang.") || exception.is(class::REPLICATION)
}

/// Where a region went, out of the text that `RegionMovedException` prints and parses.
fn region_moved_to(message: &str) -> Option<Address> {
    let field = |name: &str| message.split_once(name)?.1.split(' ').next();
    let host = field("hostname=").filter(|host| !host.is_empty())?.to_owned();
    let port = field("port=")?.parse().ok()?;
    Some(Address { host, port })
}

/// The message without the class before it and the stack after it.
fn message<'a>(class: &str, stack_trace: &'a str) -> &'a str {
    let text =
        stack_trace.strip_prefix(class).map_or(stack_trace, |rest| rest.strip_prefix(": ").unwrap_or(rest));
    text.split("\n\tat ").next().unwrap_or_default().trim_end()
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
        for unclear in ["", "hostname= port=1 ", "hostname=a port=x ", "port=1"] {
            let response = to_response(&JavaException::new(class::REGION_MOVED, unclear));
            assert_eq!((response.hostname, response.port), (None, None), "{unclear:?}");
        }
    }

    #[test]
    fn overload_is_flagged() {
        let response = to_response(&JavaException::new(class::CALL_QUEUE_TOO_BIG, ""));
        assert_eq!((response.server_overloaded(), response.do_not_retry()), (true, false));
    }

    #[test]
    fn a_java_stack_is_cut_to_its_message() {
        let response = pb::ExceptionResponse {
            exception_class_name: Some(class::NOT_SERVING_REGION.name.into()),
            stack_trace: Some(format!(
                "{}: r is not online\n\tat a.b.C(D.java:1)\n\tat x\n",
                class::NOT_SERVING_REGION.name
            )),
            ..pb::ExceptionResponse::default()
        };
        let remote = RemoteException::from_response(&response);
        assert_eq!(remote.exception, JavaException::new(class::NOT_SERVING_REGION, "r is not online"));
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
