//! States as an enum with Java's names and numbers.

use std::fmt::Debug;

/// A state of a state machine.
pub trait MachineState: Copy + Debug + PartialEq + Send + Sync + 'static {
    /// Its number in Java's enum.
    fn number(self) -> i32;

    /// The state with this number.
    fn from_number(number: i32) -> Option<Self>;

    /// Its name in Java's enum.
    fn name(self) -> &'static str;
}

/// Declares the states of a procedure: an enum whose variants have the numbers and names of Java's.
///
/// ```
/// hmaster_procedure::machine_states! {
///     /// Where a table's creation stands.
///     pub enum CreateTableState {
///         /// Checks.
///         PreOperation = 1, "CREATE_TABLE_PRE_OPERATION";
///         /// Folders.
///         WriteFsLayout = 2, "CREATE_TABLE_WRITE_FS_LAYOUT";
///     }
/// }
/// use hmaster_procedure::MachineState as _;
/// assert_eq!(CreateTableState::from_number(2), Some(CreateTableState::WriteFsLayout));
/// assert_eq!(CreateTableState::from_number(3), None);
/// assert_eq!(CreateTableState::PreOperation.name(), "CREATE_TABLE_PRE_OPERATION");
/// ```
#[macro_export]
macro_rules! machine_states {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident = $number:literal, $java:literal;)+
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name {
            $($(#[$variant_meta])* #[doc = concat!("`", $java, "`")] $variant = $number,)+
        }

        impl $crate::MachineState for $name {
            fn number(self) -> i32 {
                self as i32
            }

            fn from_number(number: i32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }

            fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $java,)+
                }
            }
        }
    };
}
