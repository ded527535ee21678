//! What is asked for, and what is answered, in HTTP's terms.

use std::borrow::Cow;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

/// Parameters of one request that are looked at; more are left alone.
const PARAMETERS_MAX: usize = 32;

/// Pages load nothing but their own stylesheet and icon, run no scripts, and send forms nowhere else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                                       base-uri 'none'; frame-ancestors 'none'";

pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
pub(crate) const HTML: &str = "text/html; charset=utf-8";
pub(crate) const JSON: &str = "application/json; charset=utf-8";

/// The parameters of a request, decoded.
#[derive(Debug, Default)]
pub(crate) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    /// What is no UTF-8 becomes replacement characters, which are in no name that is looked for.
    pub(crate) fn parse(query: &'a str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).take(PARAMETERS_MAX).collect())
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// The value of a parameter unless that is empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|value| !value.is_empty())
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    content_type: &'static str,
    body: Bytes,
    /// Where to go, or what would be allowed.
    extra: Option<(HeaderName, HeaderValue)>,
    /// It stays the same for as long as the process runs.
    fixed: bool,
}

impl Reply {
    pub(crate) fn new(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status, content_type, body: body.into(), extra: None, fixed: false }
    }

    pub(crate) fn ok(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::new(StatusCode::OK, content_type, body)
    }

    /// What never changes while the process runs.
    pub(crate) fn fixed(content_type: &'static str, body: &'static str) -> Self {
        Self { fixed: true, ..Self::ok(content_type, body) }
    }

    /// An error that one line explains.
    pub(crate) fn error(status: StatusCode, message: &str) -> Self {
        Self::new(status, TEXT, format!("{} {message}\n", status.as_u16()))
    }

    /// Sends the client elsewhere for this time.
    pub(crate) fn redirect(location: &str) -> Self {
        match HeaderValue::from_str(location) {
            Ok(location) => Self {
                extra: Some((header::LOCATION, location)),
                ..Self::new(StatusCode::FOUND, TEXT, Bytes::new())
            },
            Err(_) => Self::error(StatusCode::BAD_REQUEST, "the path can't be passed on"),
        }
    }

    /// The method isn't one for looking.
    pub(crate) fn only_get() -> Self {
        Self {
            extra: Some((header::ALLOW, HeaderValue::from_static("GET, HEAD"))),
            ..Self::error(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are served here")
        }
    }

    #[cfg(test)]
    pub(crate) fn body_text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[cfg(test)]
    pub(crate) fn location(&self) -> Option<&str> {
        self.extra.as_ref().filter(|(name, _)| name == header::LOCATION).and_then(|(_, to)| to.to_str().ok())
    }

    pub(crate) fn into_response(self, frame_options: &HeaderValue) -> Response<Full<Bytes>> {
        let cache = if self.fixed { "max-age=3600" } else { "no-store" };
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::X_FRAME_OPTIONS, frame_options.clone());
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.extend(self.extra);
        response
    }
}
