//! Days of the calendar.

use std::fmt;
use std::str::FromStr;

use crate::json::{JsonError, Read, Reader};

/// A day of the Gregorian calendar, which counts for the time before 1582 too: from `0001-01-01` to `9999-12-31`. It is written and read as
/// `YYYY-MM-DD` (ISO 8601) and in no other way.
///
/// ```
/// use palisade_sdk::Date;
/// let due: Date = "2026-12-31".parse()?;
/// let today: Date = "2026-12-01".parse()?;
/// assert!(today < due);
/// assert_eq!(today.days_until(due), 30);
/// assert_eq!(due.plus_days(60).map(|date| date.to_string()).as_deref(), Some("2027-03-01"));
/// assert_eq!("2026-02-30".parse::<Date>().unwrap_err().to_string(), "that month has 28 days");
/// # Ok::<(), palisade_sdk::DateError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Since 1970-01-01.
    days: i32,
}

/// Why a text is no day. Prints as the reason, without the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateError {
    /// White space before or behind it.
    Space,
    /// A time of day behind the day.
    Time,
    /// Something else than the digits 0 to 9 and what parts them: other scripts have digits and dashes too.
    Characters,
    /// Digits that are parted by something else than `-`, or by nothing.
    Separator,
    /// Day or month before the year.
    Order,
    /// Too few digits, or too many.
    Digits,
    /// The year 0.
    Year,
    /// A month that is not from 1 to 12.
    Month,
    /// A day that the month does not have; it has as many as this.
    Day(u8),
    /// Anything else.
    Other,
}

impl fmt::Display for DateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Space => "white space is no part of a day",
            Self::Time => "a day has no time of day",
            Self::Characters => "only the digits 0 to 9 and `-` are read",
            Self::Separator => "year, month and day are parted by `-`",
            Self::Order => "the year comes first",
            Self::Digits => "a year has four digits, month and day have two",
            Self::Year => "there is no year 0",
            Self::Month => "a month is 01 to 12",
            Self::Day(28) => "that month has 28 days",
            Self::Day(29) => "that month has 29 days",
            Self::Day(30) => "that month has 30 days",
            Self::Day(_) => "that month has 31 days",
            Self::Other => "a day is written YYYY-MM-DD",
        })
    }
}

impl std::error::Error for DateError {}

/// Days from 0000-03-01 to 1970-01-01.
const TO_1970: i32 = 719_468;
/// Days in 400 years, after which the calendar repeats itself.
const CYCLE: i32 = 146_097;
const FIRST: i32 = -719_162;
const LAST: i32 = 2_932_896;

impl Date {
    /// The first day that there is.
    pub const MIN: Self = Self { days: FIRST };
    /// The last day that there is.
    pub const MAX: Self = Self { days: LAST };

    /// The day that many days after 1970-01-01, or before it; `None` outside of the calendar.
    pub const fn from_days_since_1970(days: i64) -> Option<Self> {
        if FIRST as i64 <= days && days <= LAST as i64 { Some(Self { days: days as i32 }) } else { None }
    }

    /// How many days after 1970-01-01 it is.
    pub const fn days_since_1970(self) -> i32 {
        self.days
    }

    /// The day so many days later, or earlier; `None` outside of the calendar.
    pub const fn plus_days(self, days: i64) -> Option<Self> {
        Self::from_days_since_1970((self.days as i64).saturating_add(days))
    }

    /// How many days later `other` is; negative when it is earlier.
    pub const fn days_until(self, other: Self) -> i32 {
        other.days - self.days
    }

    /// Year, month and day. The count begins in March, so that the leap day is the last of its year.
    const fn parts(self) -> (i32, i32, i32) {
        let days = self.days + TO_1970;
        let cycle = days.div_euclid(CYCLE);
        let day_of_cycle = days.rem_euclid(CYCLE);
        let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
        let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = cycle * 400 + year_of_cycle + if month <= 2 { 1 } else { 0 };
        (year, month, day)
    }

    /// The day of these parts, which must be one.
    const fn from_parts(year: i32, month: i32, day: i32) -> Self {
        let (year, from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let year_of_cycle = year.rem_euclid(400);
        let day_of_year = (153 * from_march + 2) / 5 + day - 1;
        let day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
        Self { days: year.div_euclid(400) * CYCLE + day_of_cycle - TO_1970 }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        for (number, digits) in [(year, 4), (month, 2), (day, 2)] {
            if digits == 2 {
                f.write_str("-")?;
            }
            let mut scale = if digits == 4 { 1_000 } else { 10 };
            while scale > 0 {
                // Always one digit.
                f.write_str(DIGITS.get((number / scale % 10) as usize).copied().unwrap_or_default())?;
                scale /= 10;
            }
        }
        Ok(())
    }
}

const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let &[a, b, c, d, b'-', e, f, b'-', g, h] = text.as_bytes() else { return Err(why_not(text)) };
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i32::from(digit - b'0')))
        };
        let (Some(year), Some(month), Some(day)) = (number(&[a, b, c, d]), number(&[e, f]), number(&[g, h])) else {
            return Err(why_not(text));
        };
        let days = days_in(year, month);
        match () {
            () if year == 0 => Err(DateError::Year),
            () if !(1..=12).contains(&month) => Err(DateError::Month),
            () if !(1..=i32::from(days)).contains(&day) => Err(DateError::Day(days)),
            () => Ok(Self::from_parts(year, month, day)),
        }
    }
}

impl Read<'_> for Date {
    fn read(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        let mut before = reader.clone();
        let text = reader.string()?;
        text.parse()
            .map_err(|error: DateError| before.refused(&["expected a day, written YYYY-MM-DD: ", &error.to_string()].concat()))
    }
}

const fn days_in(year: i32, month: i32) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// What is wrong with the form of a text.
#[cold]
fn why_not(text: &str) -> DateError {
    let bytes = text.as_bytes();
    // What parts the fields in other ways to write a day. The fields are counted by their digits.
    let is_separator = |byte: u8| matches!(byte, b'-' | b'/' | b'.' | b' ' | b'_');
    let mut fields = [0_usize; 3];
    let (mut field, mut in_order) = (0, true);
    for byte in bytes {
        match fields.get_mut(field) {
            Some(digits) if byte.is_ascii_digit() => *digits += 1,
            Some(_) if is_separator(*byte) => {
                in_order &= *byte == b'-';
                field += 1;
            }
            _ => {
                field = usize::MAX;
                break;
            }
        }
    }
    let begins_as_a_day = matches!(
        bytes,
        [a, b, c, d, b'-', e, f, b'-', g, h, b'T' | b't' | b' ', _, ..]
            if [a, b, c, d, e, f, g, h].iter().all(|byte| byte.is_ascii_digit())
    );
    match fields {
        _ if begins_as_a_day => DateError::Time,
        _ if bytes.trim_ascii().len() < bytes.len() => DateError::Space,
        _ if !text.is_ascii() => DateError::Characters,
        [8, 0, 0] if field == 0 => DateError::Separator,
        [1..=2, 1..=2, 4] if field == 2 => DateError::Order,
        [4, 1..=2, 1..=2] if field == 2 && !in_order => DateError::Separator,
        _ if field == 2 && in_order && !fields.contains(&0) => DateError::Digits,
        _ => DateError::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The calendar, as a child learns it.
    fn next((year, month, day): (i32, i32, i32)) -> (i32, i32, i32) {
        let leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
        let length = match month {
            2 => 28 + i32::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        match (month, day) {
            (12, 31) => (year + 1, 1, 1),
            (_, day) if day == length => (year, month + 1, 1),
            _ => (year, month, day + 1),
        }
    }

    /// Every day that there is, counted one by one, in both directions.
    #[test]
    fn counts_as_the_calendar_does() {
        let mut parts = (1, 1, 1);
        for days in FIRST..=LAST {
            let date = Date::from_days_since_1970(i64::from(days)).unwrap();
            assert_eq!(date.parts(), parts);
            assert_eq!(Date::from_parts(parts.0, parts.1, parts.2), date);
            parts = next(parts);
        }
        assert_eq!(parts, (10_000, 1, 1));
        assert_eq!(Date::from_days_since_1970(0).unwrap().to_string(), "1970-01-01");
        assert_eq!((Date::MIN.to_string(), Date::MAX.to_string()), ("0001-01-01".to_owned(), "9999-12-31".to_owned()));
        for days in [i64::MIN, i64::from(FIRST) - 1, i64::from(LAST) + 1, i64::MAX] {
            assert_eq!(Date::from_days_since_1970(days), None);
            assert_eq!(Date::MAX.plus_days(days.max(1)), None);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, expected) in [
            ("2023-02-29", DateError::Day(28)),
            ("2024-02-30", DateError::Day(29)),
            ("1900-02-29", DateError::Day(28)),
            ("2000-02-30", DateError::Day(29)),
            ("2024-04-31", DateError::Day(30)),
            ("2024-12-32", DateError::Day(31)),
            ("2024-01-00", DateError::Day(31)),
            ("2024-13-01", DateError::Month),
            ("2024-00-10", DateError::Month),
            ("0000-01-01", DateError::Year),
            ("2024-1-1", DateError::Digits),
            ("24-01-01", DateError::Digits),
            ("12024-01-01", DateError::Digits),
            ("2024-01-001", DateError::Digits),
            ("2024/01/01", DateError::Separator),
            ("2024.1.1", DateError::Separator),
            ("2024-01/01", DateError::Separator),
            ("20240101", DateError::Separator),
            ("05.01.2026", DateError::Order),
            ("1/5/2026", DateError::Order),
            ("05-01-2026", DateError::Order),
            ("2024-01-01T00:00:00Z", DateError::Time),
            ("2024-01-01 10:00", DateError::Time),
            (" 2024-01-01", DateError::Space),
            ("2024-01-01 ", DateError::Space),
            ("2024-01-01\n", DateError::Space),
            ("2024-01-0ü", DateError::Characters),
            ("２０２４-01-01", DateError::Characters),
            ("٢٠٢٤-٠١-٠١", DateError::Characters),
            ("2024–01–01", DateError::Characters),
            ("2024-01-01T", DateError::Other),
            ("2024-01", DateError::Other),
            ("2024-W01-1", DateError::Other),
            ("-2024-01-01", DateError::Other),
            ("+2024-01-01", DateError::Other),
            ("2024-01-01-01", DateError::Other),
            ("1704067200", DateError::Other),
            ("next year", DateError::Other),
            ("--", DateError::Other),
            ("", DateError::Other),
        ] {
            assert_eq!(text.parse::<Date>(), Err(expected), "{text}");
            assert!(!expected.to_string().is_empty());
        }
    }

    proptest! {
        #[test]
        fn is_read_as_it_is_written(days in FIRST..=LAST) {
            let date = Date { days };
            prop_assert_eq!(date.to_string().parse(), Ok(date));
        }

        #[test]
        fn days_are_ordered_and_counted(a in FIRST..=LAST, b in FIRST..=LAST) {
            let (a, b) = (Date { days: a }, Date { days: b });
            prop_assert_eq!(a.plus_days(i64::from(a.days_until(b))), Some(b));
            prop_assert_eq!(a.days_until(b), -b.days_until(a));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        /// What is read is what is written, to the letter: nothing else is a day.
        #[test]
        fn no_other_text_is_a_day(text in "[0-9T:Z ./-]{0,12}|[0-9]{4}-[0-9]{2}-[0-9]{2}|\\PC{0,12}") {
            match text.parse::<Date>() {
                Ok(date) => prop_assert_eq!(date.to_string(), text),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }
}
