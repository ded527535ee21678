//! Checks of layering and tidiness
