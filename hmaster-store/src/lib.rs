//! The master:store region in HBase's own format
