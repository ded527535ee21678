//! [`EncodedName`] and [`RegionName`], either of which a [`pb::RegionSpecifier`] names a region by.

use bytes::Bytes;
use hmaster_types::{EncodedName, ParseError, RegionName};

use super::ConvertError;
use crate::pb;
use crate::pb::region_specifier::RegionSpecifierType;

impl From<&RegionName> for pb::RegionSpecifier {
    fn from(name: &RegionName) -> Self {
        let value = Bytes::copy_from_slice(name.as_bytes());
        Self { r#type: RegionSpecifierType::RegionName.into(), value }
    }
}

impl From<EncodedName> for pb::RegionSpecifier {
    fn from(name: EncodedName) -> Self {
        Self { r#type: RegionSpecifierType::EncodedRegionName.into(), value: name.to_string().into() }
    }
}

/// Either kind names the region's encoded name. Counterpart of `ProtobufUtil.getRegionEncodedName`.
impl TryFrom<&pb::RegionSpecifier> for EncodedName {
    type Error = ConvertError;

    fn try_from(message: &pb::RegionSpecifier) -> Result<Self, ConvertError> {
        let named = match message.r#type() {
            RegionSpecifierType::RegionName => Self::of_region_name(&message.value),
            RegionSpecifierType::EncodedRegionName => std::str::from_utf8(&message.value)
                .map_err(|_| ParseError::new("encoded region name", &message.value, "not UTF-8"))
                .and_then(str::parse),
        };
        named.map_err(|reason| ConvertError::new("value", reason))
    }
}

#[cfg(test)]
mod tests {
    use hmaster_types::RegionInfo;

    use super::*;

    #[test]
    fn both_kinds_name_the_same_region() {
        let user = RegionInfo::builder("t".parse().unwrap()).region_id(7).build();
        for region in [user.with_replica(3), user, RegionInfo::meta()] {
            let by_name = pb::RegionSpecifier::from(&region.name());
            let by_encoded = pb::RegionSpecifier::from(region.encoded_name());
            assert_eq!(by_name.r#type(), RegionSpecifierType::RegionName);
            assert_eq!(EncodedName::try_from(&by_name), Ok(region.encoded_name()));
            assert_eq!(EncodedName::try_from(&by_encoded), Ok(region.encoded_name()));
        }
    }

    #[test]
    fn bad_names() {
        let table: [(RegionSpecifierType, &[u8]); 4] = [
            (RegionSpecifierType::EncodedRegionName, b""),
            (RegionSpecifierType::EncodedRegionName, b"xyz"),
            (RegionSpecifierType::EncodedRegionName, b"\xff"),
            (RegionSpecifierType::RegionName, b"t,,1.short."),
        ];
        for (kind, value) in table {
            let message = pb::RegionSpecifier { r#type: kind.into(), value: Bytes::from_static(value) };
            assert_eq!(EncodedName::try_from(&message).expect_err("bad").field, "value", "{value:?}");
        }
    }
}
