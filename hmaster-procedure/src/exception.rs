//! What stands in the place of a panic.

use hmaster_types::JavaException;

/// The exception that stands for the panic of a hook or a step.
pub(crate) fn code_bug(what: &str, panic: &(dyn std::any::Any + Send)) -> JavaException {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic");
    JavaException::named("java.lang.RuntimeException", format!("CODE-BUG: {what}: {text}"), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_says_what_it_said() {
        let panic = std::panic::catch_unwind(|| panic!("at the {}", "disco")).unwrap_err();
        assert_eq!(code_bug("step of pid=1", &*panic).message, "CODE-BUG: step of pid=1: at the disco");
    }
}
