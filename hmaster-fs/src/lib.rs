//! File systems: local disk and HDFS, HBase's root folder layout
