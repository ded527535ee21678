//! An embeddable single-node ZooKeeper server
