//! [`JavaException`], as it crosses the wire ([`pb::ExceptionResponse`]) and as procedures keep it
//! ([`pb::ForeignExceptionMessage`]). Counterpart of `ForeignExceptionUtil`, `ServerCall.setExceptionResponse` and
//! `RemoteWithExtrasException`.

use hmaster_types::{JavaException, class};

use crate::pb;

impl From<&JavaException> for pb::ExceptionResponse {
    fn from(error: &JavaException) -> Self {
        let moved_to = if error.is(class::REGION_MOVED) { moved_to(&error.message) } else { None };
        let (hostname, port) = moved_to.unzip();
        // HBaseServerException and what extends it: both always say that the server is overloaded.
        let overloaded = error.is(class::CALL_QUEUE_TOO_BIG) || error.is(class::CALL_DROPPED);
        Self {
            exception_class_name: Some(error.class.clone().into_owned()),
            stack_trace: Some(error.stack_trace()),
            hostname,
            port,
            do_not_retry: Some(error.do_not_retry),
            server_overloaded: overloaded.then_some(true),
        }
    }
}

/// The message is what stands before the stack frames, without the class.
impl From<&pb::ExceptionResponse> for JavaException {
    fn from(response: &pb::ExceptionResponse) -> Self {
        let class = response.exception_class_name();
        let text = response.stack_trace().split("\n\tat ").next().unwrap_or_default().trim_end();
        let message = match text.strip_prefix(class) {
            Some("") => "",
            Some(rest) => rest.strip_prefix(": ").unwrap_or(text),
            None => text,
        };
        Self::named(class.to_owned(), message, response.do_not_retry())
    }
}

impl pb::ForeignExceptionMessage {
    /// `error`, thrown by `source`: a server or a procedure.
    pub fn new(source: Option<&str>, error: &JavaException) -> Self {
        let exception = pb::GenericExceptionMessage {
            class_name: Some(error.class.clone().into_owned()),
            message: Some(error.message.clone()),
            ..Default::default()
        };
        Self { source: source.map(str::to_owned), generic_exception: Some(exception) }
    }
}

/// Without the stack. Whether it is to be retried follows from the class, as Java has it from loading that; a class
/// that isn't known reads as one that may be.
impl From<&pb::ForeignExceptionMessage> for JavaException {
    fn from(message: &pb::ForeignExceptionMessage) -> Self {
        let absent = pb::GenericExceptionMessage::default();
        let exception = message.generic_exception.as_ref().unwrap_or(&absent);
        match class::by_name(exception.class_name()) {
            Some(class) => Self::new(class, exception.message()),
            None if exception.class_name().is_empty() => Self::new(class::IO, exception.message()),
            None => Self::named(exception.class_name().to_owned(), exception.message(), false),
        }
    }
}

/// Host and port out of the message of a RegionMovedException, where Java's own class keeps them, too.
fn moved_to(message: &str) -> Option<(String, i32)> {
    let field = |name: &str| {
        let (_, rest) = message.split_once(name)?;
        rest.split_once(' ').map(|(value, _)| value)
    };
    Some((field("hostname=")?.to_owned(), field("port=")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_over_the_wire() {
        let error = JavaException::new(class::TABLE_EXISTS, "ns:t");
        let response = pb::ExceptionResponse::from(&error);
        assert_eq!(response.stack_trace(), "org.apache.hadoop.hbase.TableExistsException: ns:t");
        assert_eq!(
            (response.do_not_retry, response.server_overloaded, &response.hostname),
            (Some(true), None, &None)
        );
        assert_eq!(JavaException::from(&response), error);
    }

    #[test]
    fn the_message_is_found_in_a_stack_trace() {
        let table = [
            ("c.E: m\n\tat c.F.g(F.java:1)\n\tat c.H.i(H.java:2)\n", "m"),
            ("c.E: a\nb\n\tat c.F.g(F.java:1)\n", "a\nb"),
            ("c.E\n\tat c.F.g(F.java:1)\n", ""),
            ("1.2.3.4 is unable to read call parameter; m", "1.2.3.4 is unable to read call parameter; m"),
            ("", ""),
        ];
        for (stack_trace, message) in table {
            let response = pb::ExceptionResponse {
                exception_class_name: Some("c.E".into()),
                stack_trace: Some(stack_trace.into()),
                ..Default::default()
            };
            assert_eq!(
                JavaException::from(&response),
                JavaException::named("c.E", message, false),
                "{stack_trace:?}"
            );
        }
    }

    #[test]
    fn extras_are_set_where_java_sets_them() {
        let message = "Region moved to: hostname=h port=16020 startCode=1. As of locationSeqNum=7.";
        let response = pb::ExceptionResponse::from(&JavaException::new(class::REGION_MOVED, message));
        assert_eq!((response.hostname.as_deref(), response.port), (Some("h"), Some(16020)));
        let response = pb::ExceptionResponse::from(&JavaException::new(class::REGION_MOVED, "hostname=h"));
        assert_eq!((response.hostname, response.port), (None, None));
        let response = pb::ExceptionResponse::from(&JavaException::new(class::CALL_QUEUE_TOO_BIG, "full"));
        assert_eq!(response.server_overloaded, Some(true));
    }

    #[test]
    fn there_and_back_in_a_procedure() {
        for error in [
            JavaException::new(class::TABLE_NOT_FOUND, "t"),
            JavaException::named("org.example.Unheard", "m", false),
        ] {
            let message = pb::ForeignExceptionMessage::new(Some("a,1,1"), &error);
            assert_eq!((message.source(), JavaException::from(&message)), ("a,1,1", error));
        }
        let empty = JavaException::from(&pb::ForeignExceptionMessage::default());
        assert_eq!(empty, JavaException::new(class::IO, ""));
    }
}
