//! Comparators: what a part of a cell is compared with. Counterpart of `ByteArrayComparable`, its subclasses, and
//! `CompareOperator`.

use std::cmp::Ordering;

use bytes::Bytes;

use super::decimal::Decimal;
use super::regex::JavaRegex;
use super::{Answer, FilterError};

/// What a part of a cell is compared with.
#[derive(Debug)]
pub(crate) enum Comparator {
    /// The bytes.
    Binary(Bytes),
    /// The first bytes.
    BinaryPrefix(Bytes),
    /// The bytes from an offset on.
    BinaryComponent { value: Bytes, offset: usize },
    /// A number of eight bytes.
    Long(i64),
    /// A decimal number, as `Bytes.toBytes(BigDecimal)` has it.
    BigDecimal(Decimal),
    /// Equal when some bit is left after the operation.
    Bit { value: Bytes, op: BitOp },
    /// Never equal.
    Null,
    /// Equal when the pattern is found.
    Regex(Box<JavaRegex>),
    /// Equal when the text, in lower case, is found.
    Substring(String),
}

/// Operations on bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BitOp {
    And,
    Or,
    Xor,
}

/// How a part of a cell must compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CompareOp {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
    /// Nothing passes.
    NoOp,
}

impl Comparator {
    /// How the comparator's own value compares with `part`.
    pub(crate) fn compare(&self, part: &[u8]) -> Answer<Ordering> {
        let equal_if = |equal| if equal { Ordering::Equal } else { Ordering::Greater };
        Ok(match self {
            Self::Binary(value) => (**value).cmp(part),
            Self::BinaryPrefix(value) => (**value).cmp(&part[..value.len().min(part.len())]),
            Self::BinaryComponent { value, offset } => {
                let from = part.get(*offset..).unwrap_or_default();
                (**value).cmp(&from[..value.len().min(from.len())])
            }
            Self::Long(value) => value.cmp(&long(part)?),
            Self::BigDecimal(value) => value.compare(&Decimal::parse(part)?),
            Self::Bit { value, op } => equal_if(op.leaves_a_bit(value, part)),
            Self::Null => Ordering::Greater,
            Self::Regex(regex) => equal_if(regex.is_found_in(part)?),
            Self::Substring(text) => {
                equal_if(String::from_utf8_lossy(part).to_lowercase().contains(text.as_str()))
            }
        })
    }
}

impl CompareOp {
    /// Whether a part that the comparator's value compares with this way passes.
    ///
    /// # Errors
    /// For `NO_OP`, which isn't an answer to a comparison.
    pub(crate) fn passes(self, compared: Ordering) -> Answer<bool> {
        Ok(match self {
            Self::Less => compared.is_gt(),
            Self::LessOrEqual => compared.is_ge(),
            Self::Equal => compared.is_eq(),
            Self::NotEqual => compared.is_ne(),
            Self::GreaterOrEqual => compared.is_le(),
            Self::Greater => compared.is_lt(),
            Self::NoOp => return Err(FilterError("Unknown Compare op NO_OP".into())),
        })
    }
}

impl BitOp {
    fn leaves_a_bit(self, value: &[u8], part: &[u8]) -> bool {
        let bit = |(a, b): (&u8, &u8)| match self {
            Self::And => a & b != 0,
            Self::Or => a | b != 0,
            Self::Xor => a ^ b != 0,
        };
        value.len() == part.len() && value.iter().zip(part).any(bit)
    }
}

fn long(part: &[u8]) -> Answer<i64> {
    let bytes = part
        .first_chunk::<8>()
        .filter(|_| part.len() == 8)
        .ok_or_else(|| FilterError(format!("Wrong length: {}, expected 8", part.len())))?;
    Ok(i64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use Ordering::{Equal, Greater, Less};

    use super::*;

    #[test]
    fn comparators_stand_on_the_left() {
        let value = |text: &'static [u8]| Bytes::from_static(text);
        let bits = |op| Comparator::Bit { value: Bytes::from_static(&[0b0101, 0]), op };
        let component = Comparator::BinaryComponent { value: value(b"cd"), offset: 2 };
        let table: [(&Comparator, &[u8], Ordering); 17] = [
            (&Comparator::Binary(value(b"b")), b"a", Greater),
            (&Comparator::Binary(value(b"b")), b"b", Equal),
            (&Comparator::Binary(value(b"b")), b"ba", Less),
            (&Comparator::BinaryPrefix(value(b"ab")), b"abc", Equal),
            (&Comparator::BinaryPrefix(value(b"ab")), b"a", Greater),
            (&component, b"abcde", Equal),
            (&component, b"abce", Less),
            (&component, b"a", Greater),
            (&Comparator::Long(-1), &1i64.to_be_bytes(), Less),
            (&bits(BitOp::And), &[0b0100, 0], Equal),
            (&bits(BitOp::And), &[0b1010, 0xff], Greater),
            (&bits(BitOp::Or), &[0, 0], Equal),
            (&bits(BitOp::Xor), &[0b0101, 0], Greater),
            (&bits(BitOp::Xor), &[0b0101], Greater),
            (&Comparator::Null, b"", Greater),
            (&Comparator::Substring("ell".into()), b"HELLO", Equal),
            (&Comparator::Substring("x".into()), b"HELLO", Greater),
        ];
        for (comparator, part, wanted) in table {
            assert_eq!(comparator.compare(part).unwrap(), wanted, "{comparator:?} {part:?}");
        }
        assert!(Comparator::Long(1).compare(b"1234567").is_err());
    }

    #[test]
    fn operators_are_about_the_part() {
        use CompareOp as Op;
        let passing = [
            (Op::Less, [true, false, false]),
            (Op::LessOrEqual, [true, true, false]),
            (Op::Equal, [false, true, false]),
            (Op::NotEqual, [true, false, true]),
            (Op::GreaterOrEqual, [false, true, true]),
            (Op::Greater, [false, false, true]),
        ];
        for (op, wanted) in passing {
            assert_eq!([Greater, Equal, Less].map(|ordering| op.passes(ordering).unwrap()), wanted, "{op:?}");
        }
        assert!(Op::NoOp.passes(Equal).is_err());
    }
}
