//! Reads numbers and pieces out of bytes, as Java's `DataInput`, `StreamUtils` and `WritableUtils` write them. Every
//! step says whether the bytes were too few, by how much, or wrong.

use std::borrow::Cow;

use crate::Malformed;

/// A step through bytes didn't come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// There are too few bytes: at least this many, counted from the first, are needed.
    Short(usize),
    /// The bytes are wrong.
    Bad(Malformed),
}

pub(crate) type Stepped<T> = Result<T, Stop>;

/// A place in bytes, moving forward.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pos: 0 }
    }

    pub(crate) fn at(bytes: &'a [u8], pos: usize) -> Self {
        Self { bytes, pos }
    }

    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pos == self.bytes.len()
    }

    pub(crate) fn take(&mut self, length: usize) -> Stepped<&'a [u8]> {
        let end = self.pos.checked_add(length).ok_or_else(|| self.bad("a length beyond all bounds"))?;
        let taken = self.bytes.get(self.pos..end).ok_or(Stop::Short(end))?;
        self.pos = end;
        Ok(taken)
    }

    /// Takes as many bytes as a signed number says.
    pub(crate) fn take_i32(&mut self, length: i32, what: &'static str) -> Stepped<&'a [u8]> {
        let length = usize::try_from(length).map_err(|_| self.bad(format!("{what} has length {length}")))?;
        self.take(length)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Stepped<[u8; N]> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("a slice of N bytes"))
    }

    pub(crate) fn u8(&mut self) -> Stepped<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Stepped<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Stepped<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Stepped<i64> {
        self.array().map(i64::from_be_bytes)
    }

    /// A number in protobuf's form, of which Java's `readRawVarint32` keeps the low 32 bits.
    pub(crate) fn varint32(&mut self) -> Stepped<i32> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = self.u8()?;
            if shift < 64 {
                value |= u64::from(byte & 0x7f) << shift;
            }
            if byte & 0x80 == 0 {
                return Ok(value as i32); // the low 32 bits, as in Java
            }
        }
        Err(self.bad("a number of more than ten bytes"))
    }

    /// A number in the form of Hadoop's `WritableUtils.writeVLong`.
    pub(crate) fn hadoop_vlong(&mut self) -> Stepped<i64> {
        let first = self.u8()? as i8;
        if first >= -112 {
            return Ok(i64::from(first));
        }
        let (negative, length) = if first < -120 { (true, -120 - first) } else { (false, -112 - first) };
        let mut value = 0i64;
        for byte in self.take(usize::from(length.unsigned_abs()))? {
            value = value << 8 | i64::from(*byte);
        }
        Ok(if negative { !value } else { value })
    }

    /// A number in the form of `ByteBufferUtils.putCompressedInt`: seven bits per byte, the lowest first.
    pub(crate) fn seven_bit(&mut self) -> Stepped<usize> {
        let mut value = 0u32;
        for shift in (0..35).step_by(7) {
            let byte = self.u8()?;
            value |= u32::from(byte & 0x7f).wrapping_shl(shift);
            if byte & 0x80 == 0 {
                return Ok(value as usize);
            }
        }
        Err(self.bad("a number of more than five bytes"))
    }

    /// An error here.
    pub(crate) fn bad(&self, reason: impl Into<Cow<'static, str>>) -> Stop {
        Stop::Bad(Malformed::new(self.pos as u64, reason))
    }
}

impl Stop {
    /// For bytes that are all there are: too few of them is an error, too.
    pub(crate) fn at_end(self, length: usize) -> Malformed {
        match self {
            Self::Short(_) => Malformed::new(length as u64, "ends too early"),
            Self::Bad(malformed) => malformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hadoop_numbers_as_java_writes_them() {
        let cases: [(&[u8], i64); 8] = [
            (&[0], 0),
            (&[127], 127),
            (&[0x90], -112),
            (&[0x8f, 128], 128),
            (&[0x8e, 1, 0], 256),
            (&[0x87, 113], -114),
            (&[0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], i64::MAX),
            (&[0x80, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], i64::MIN),
        ];
        for (bytes, value) in cases {
            assert_eq!(Cursor::new(bytes).hadoop_vlong(), Ok(value), "{bytes:02x?}");
            let cut = Cursor::new(&bytes[..bytes.len() - 1]).hadoop_vlong();
            assert!(matches!(cut, Err(Stop::Short(_))), "{bytes:02x?}");
        }
    }

    #[test]
    fn seven_bits_a_byte() {
        for (bytes, value) in [(&[5u8][..], 5), (&[0x80, 1], 128), (&[0xff, 0xff, 3], 65535)] {
            assert_eq!(Cursor::new(bytes).seven_bit(), Ok(value));
        }
        assert!(matches!(Cursor::new(&[0xff; 6]).seven_bit(), Err(Stop::Bad(_))));
    }

    #[test]
    fn pieces_end_where_bytes_end() {
        let mut cursor = Cursor::new(&[0, 0, 0, 9, 1]);
        assert_eq!(cursor.i32(), Ok(9));
        assert_eq!(cursor.take(2), Err(Stop::Short(6)));
        assert!(matches!(cursor.take_i32(-1, "x"), Err(Stop::Bad(_))));
        assert!(matches!(cursor.take(usize::MAX), Err(Stop::Bad(_))));
        assert_eq!(cursor.u8(), Ok(1));
        assert!(cursor.is_empty());
    }

    #[test]
    fn varints_are_bounded() {
        assert_eq!(Cursor::new(&[0x96, 0x01]).varint32(), Ok(150));
        assert_eq!(
            Cursor::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]).varint32(),
            Ok(-1)
        );
        assert!(matches!(Cursor::new(&[0xff; 11]).varint32(), Err(Stop::Bad(_))));
    }
}
