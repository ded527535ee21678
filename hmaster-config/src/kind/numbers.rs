//! Booleans, numbers, sizes and ports.

use super::kinds;
use crate::java;

kinds! {
    /// `getBoolean`: anything but the two words counts as the default.
    Flag -> bool, "true or false", lenient: true => java::boolean;
    /// `getInt`.
    Int -> i32, "a whole number between -2147483648 and 2147483647, decimal or 0x hexadecimal" => java::int;
    /// `getLong`.
    Long -> i64, "a whole number of at most 64 bits, decimal or 0x hexadecimal" => java::long;
    /// `getInt`, a number of things.
    Count -> u32, "a whole number between 0 and 2147483647" => |text| java::int(text)?.try_into().ok();
    /// `getFloat`.
    Float -> f32, "a number" => |text| java::float(text).filter(|number| !number.is_nan());
    /// `getDouble`.
    Double -> f64, "a number" => |text| java::double(text).filter(|number| !number.is_nan());
    /// `getInt` or `getLong`, a number of bytes.
    Bytes -> u64, "a number of bytes from 0, without a unit" => |text| java::long(text)?.try_into().ok();
    /// `getLongBytes`: a number of bytes that may have a unit.
    Size -> u64, "a number of bytes from 0, or one with k, m, g, t, p or e right behind it" =>
        |text| java::size(text)?.try_into().ok();
    /// `getInt`, a port to listen at; 0 stands for any free one.
    Port -> u16, "a port between 0 and 65535" => |text| java::int(text)?.try_into().ok();
    /// `getInt`, a port to listen at, or a negative number to not listen.
    PortOrOff -> Option<u16>, "a port between 0 and 65535, or -1 for none" => |text| match java::int(text)? {
        ..0 => Some(None),
        port => Some(Some(port.try_into().ok()?)),
    };
}
