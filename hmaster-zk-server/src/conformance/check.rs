//! Checks that make a case fail instead of panicking: a suite that runs as a library must report.

/// Fails the case unless both are equal.
macro_rules! expect_eq {
    ($actual:expr, $expected:expr $(, $($about:tt)+)?) => {
        match (&$actual, &$expected) {
            (actual, expected) => {
                if *actual != *expected {
                    let about = String::new() $(+ &format!($($about)+))?;
                    let place = concat!(file!(), ":", line!());
                    let message = format!("{place}: {about} expected {expected:?}, got {actual:?}");
                    return Err($crate::conformance::CaseFailure::new(message));
                }
            }
        }
    };
}

/// Fails the case unless the condition holds.
macro_rules! expect {
    ($condition:expr $(, $($about:tt)+)?) => {{
        if !$condition {
            let about = String::new() $(+ &format!($($about)+))?;
            let place = concat!(file!(), ":", line!());
            let message = format!("{place}: not so: {} {about}", stringify!($condition));
            return Err($crate::conformance::CaseFailure::new(message));
        }
    }};
}

/// A list of cases from the async functions of a module.
macro_rules! cases {
    ($module:literal: $($function:ident),+ $(,)?) => {
        vec![$($crate::conformance::Case {
            name: concat!($module, "::", stringify!($function)),
            run: |context| Box::pin($function(context)),
        }),+]
    };
}
