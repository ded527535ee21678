//! hbase-site.xml and -D overrides as typed options
