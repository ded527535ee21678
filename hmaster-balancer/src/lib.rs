//! A cluster in, an explained plan out
