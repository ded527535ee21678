//! The nouns of HBase: servers, tables, regions, cells, and the seams for time and chance
