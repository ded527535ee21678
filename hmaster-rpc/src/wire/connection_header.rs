//! The first frame of a connection: who calls, which service, and how cells are encoded. Counterpart of
//! `ServerRpcConnection.processConnectionHeader`.
//!
//! A Java server closes the connection without a word when it doesn't like the header. Here the client is told, with
//! the exception that Java logs.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use hmaster_protocol::{CallUser, decode, pb};
use hmaster_types::{JavaException, class};
use prost::Message as _;

use super::cell_block::CellCodec;

/// What a connection header says, checked.
#[derive(Debug, Clone)]
pub struct ConnectionInfo {
    /// The one service that the connection calls.
    pub service: Box<str>,
    /// Who the client says it is.
    pub user: Option<CallUser>,
    /// How cells go beside messages; without one they never do.
    pub codec: Option<CellCodec>,
    /// The client's release.
    pub version: Option<Arc<pb::VersionInfo>>,
    /// Attributes of the connection.
    pub attributes: Arc<BTreeMap<String, Bytes>>,
}

impl ConnectionInfo {
    /// Reads the frame, without its length. Whether the service is there isn't checked here.
    ///
    /// # Errors
    /// The fatal exception to answer with: the header is malformed, or names a codec or a compressor that isn't there.
    pub fn parse(frame: Bytes) -> Result<Self, JavaException> {
        let header: pb::ConnectionHeader = decode(frame).map_err(|error| {
            JavaException::new(class::FATAL_CONNECTION, format!("connection header: {error}"))
        })?;
        Ok(Self {
            codec: codec(&header)?,
            user: header.user_info.map(user),
            service: header.service_name.unwrap_or_default().into(),
            version: header.version_info.map(Arc::new),
            attributes: Arc::new(attributes(header.attribute)),
        })
    }

    /// The frame, with its length.
    pub fn encode(&self) -> Bytes {
        let header = pb::ConnectionHeader {
            user_info: self.user.as_ref().map(|user| pb::UserInformation {
                effective_user: user.name.to_string(),
                real_user: user.real.as_ref().map(ToString::to_string),
            }),
            service_name: Some(self.service.to_string()),
            cell_block_codec_class: self.codec.map(|codec| codec.class().to_owned()),
            version_info: self.version.as_deref().cloned(),
            attribute: name_bytes_pairs(&self.attributes),
            ..pb::ConnectionHeader::default()
        };
        let bytes = header.encode_to_vec();
        let mut frame = BytesMut::with_capacity(4 + bytes.len());
        frame.put_u32(bytes.len() as u32); // a few hundred bytes
        frame.put_slice(&bytes);
        frame.freeze()
    }

    /// `VersionInfoUtil.hasMinimumVersion`: an unknown release is an old one.
    pub fn is_at_least(&self, major: u32, minor: u32) -> bool {
        self.version.as_deref().is_some_and(|version| major_and_minor(version) >= (major, minor))
    }
}

/// Releases before 2.0 say their version as text only.
fn major_and_minor(version: &pb::VersionInfo) -> (u32, u32) {
    if let (Some(major), Some(minor)) = (version.version_major, version.version_minor) {
        return (major, minor);
    }
    let mut numbers = version.version.split(['.', '-']).map_while(|part| part.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

fn codec(header: &pb::ConnectionHeader) -> Result<Option<CellCodec>, JavaException> {
    let name = header.cell_block_codec_class();
    if name.is_empty() {
        return Ok(None); // a compressor alone is of no use, and Java doesn't look at it
    }
    let unsupported = |class, name: &str| JavaException::new(class, name);
    let codec =
        CellCodec::from_class(name).ok_or_else(|| unsupported(class::UNSUPPORTED_CELL_CODEC, name))?;
    match header.cell_block_compressor_class.as_deref() {
        None => Ok(Some(codec)),
        Some(name) => Err(unsupported(class::UNSUPPORTED_COMPRESSION_CODEC, name)),
    }
}

fn user(info: pb::UserInformation) -> CallUser {
    CallUser { name: info.effective_user.into(), real: info.real_user.map(Into::into) }
}

/// A later pair of the same name wins, as in Java's map.
pub(crate) fn attributes(pairs: Vec<pb::NameBytesPair>) -> BTreeMap<String, Bytes> {
    pairs.into_iter().map(|pair| (pair.name, pair.value.unwrap_or_default())).collect()
}

pub(crate) fn name_bytes_pairs(attributes: &BTreeMap<String, Bytes>) -> Vec<pb::NameBytesPair> {
    let pair = |(name, value): (&String, &Bytes)| pb::NameBytesPair {
        name: name.clone(),
        value: Some(value.clone()),
    };
    attributes.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> ConnectionInfo {
        ConnectionInfo {
            service: "MasterService".into(),
            user: Some(CallUser::proxied("joe", "oozie")),
            codec: Some(CellCodec::KeyValue),
            version: None,
            attributes: Arc::new(BTreeMap::from([("a".to_owned(), Bytes::from_static(b"b"))])),
        }
    }

    fn header(change: impl FnOnce(&mut pb::ConnectionHeader)) -> Bytes {
        let mut header = pb::ConnectionHeader::default();
        change(&mut header);
        header.encode_to_vec().into()
    }

    #[test]
    fn what_a_client_says_comes_back() {
        let frame = info().encode();
        let read = ConnectionInfo::parse(frame.slice(4..)).unwrap();
        assert_eq!(frame[..4], (frame.len() as u32 - 4).to_be_bytes());
        assert_eq!((&*read.service, &read.user, read.codec), ("MasterService", &info().user, info().codec));
        assert_eq!(read.attributes, info().attributes);
    }

    #[test]
    fn an_empty_header_is_one_without_a_service() {
        let read = ConnectionInfo::parse(Bytes::new()).unwrap();
        assert_eq!((&*read.service, read.user, read.codec), ("", None, None));
    }

    #[test]
    fn what_is_not_there_is_refused_with_its_name() {
        let class_of = |frame| ConnectionInfo::parse(frame).unwrap_err();
        let codec = class_of(header(|header| header.cell_block_codec_class = Some("x.Codec".into())));
        assert_eq!(codec, JavaException::new(class::UNSUPPORTED_CELL_CODEC, "x.Codec"));
        let compressor = class_of(header(|header| {
            header.cell_block_codec_class = Some(CellCodec::KeyValue.class().into());
            header.cell_block_compressor_class = Some("x.GzipCodec".into());
        }));
        assert_eq!(compressor, JavaException::new(class::UNSUPPORTED_COMPRESSION_CODEC, "x.GzipCodec"));
        let alone = header(|header| header.cell_block_compressor_class = Some("x.GzipCodec".into()));
        assert_eq!(ConnectionInfo::parse(alone).unwrap().codec, None);
        let empty = header(|header| header.cell_block_codec_class = Some(String::new()));
        assert_eq!(ConnectionInfo::parse(empty).unwrap().codec, None);
    }

    #[test]
    fn truncated_and_incomplete_headers_are_fatal() {
        let whole = info().encode().slice(4..);
        for len in 1..whole.len() {
            if let Err(error) = ConnectionInfo::parse(whole.slice(..len)) {
                assert!(error.is(class::FATAL_CONNECTION), "{len}: {error}");
            }
        }
        let no_name = Bytes::from_static(&[0x0a, 0x00]); // user_info without effective_user
        let error = ConnectionInfo::parse(no_name).unwrap_err();
        assert!(error.message.contains("user_info.effective_user"), "{error}");
    }

    #[test]
    fn releases_are_compared_by_number_or_text() {
        let version = |text: &str, numbers: Option<(u32, u32)>| {
            let version = pb::VersionInfo {
                version: text.into(),
                version_major: numbers.map(|(major, _)| major),
                version_minor: numbers.map(|(_, minor)| minor),
                ..pb::VersionInfo::default()
            };
            ConnectionInfo { version: Some(Arc::new(version)), ..info() }
        };
        assert!(version("2.6.4", Some((2, 6))).is_at_least(1, 3));
        assert!(version("1.3.0-SNAPSHOT", None).is_at_least(1, 3));
        assert!(!version("1.2.9", None).is_at_least(1, 3));
        assert!(!version("what", None).is_at_least(1, 3) && !info().is_at_least(0, 0));
    }
}
