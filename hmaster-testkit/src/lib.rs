//! A whole cluster for a test, in a fraction of a second
