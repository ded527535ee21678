//! The master's pages, /jmx and /metrics
