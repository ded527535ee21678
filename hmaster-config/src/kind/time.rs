//! Spans of time.

use std::time::Duration;

use super::kinds;
use crate::java::{self, TimeUnit};

kinds! {
    /// `getInt`, milliseconds.
    Millis -> Duration, "milliseconds between 0 and 2147483647, without a unit" => |text| millis(java::int(text)?);
    /// `getLong`, milliseconds.
    LongMillis -> Duration, "milliseconds from 0, without a unit" => |text| millis(java::long(text)?);
    /// `getInt`, milliseconds; 0 and less switch something off.
    MillisOrOff -> Option<Duration>, "milliseconds up to 2147483647, without a unit" =>
        |text| or_off(java::int(text)?, millis);
    /// `getInt`, seconds.
    Seconds -> Duration, "seconds between 0 and 2147483647, without a unit" => |text| seconds(java::int(text)?);
    /// `getLong`, seconds.
    LongSeconds -> Duration, "seconds from 0, without a unit" => |text| seconds(java::long(text)?);
    /// `getInt`, seconds; 0 and less switch something off.
    SecondsOrOff -> Option<Duration>, "seconds up to 2147483647, without a unit" =>
        |text| or_off(java::int(text)?, seconds);
    /// `getInt`, days.
    Days -> Duration, "days between 0 and 2147483647, without a unit" =>
        |text| seconds(i64::from(java::int(text)?) * 86_400);
    /// `getTimeDuration`: a number of milliseconds, or one with a unit.
    TimeSpan -> Duration, "milliseconds from 0, or a number with ns, us, ms, s, m, h or d right behind it" =>
        |text| millis(java::time_millis(text, TimeUnit::Milliseconds)?);
}

fn millis(number: impl Into<i64>) -> Option<Duration> {
    number.into().try_into().ok().map(Duration::from_millis)
}

fn seconds(number: impl Into<i64>) -> Option<Duration> {
    number.into().try_into().ok().map(Duration::from_secs)
}

fn or_off(number: i32, unit: fn(i32) -> Option<Duration>) -> Option<Option<Duration>> {
    if number > 0 { unit(number).map(Some) } else { Some(None) }
}
