//! HBase's protobuf messages and their conversions to types
