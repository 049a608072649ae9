//! What day it is.
//!
//! A policy that asks imports `clock_time_get` of WASI, which policy-server gives to every waPC module: its runtime is
//! `wasmtime-provider`, which links the whole of WASI preview 1, with the system's clock. The others import nothing: what no one
//! calls is not linked. A policy that does says so in its metadata, in the annotation `dev.palisade.imports`, and a test holds it to that.
//!
//! Source: `policy-evaluator/src/runtimes/wapc` of Kubewarden; `wasmtime-provider`, default feature `wasi`.
#![allow(unsafe_code)]

use crate::{Date, HostError};

/// The day that it is, in UTC.
///
/// # Errors
/// When the clock does not answer, or says a day before 2020: then it was not set, and nothing can be said of what is due.
pub fn today() -> Result<Date, HostError> {
    read().and_then(day).map_err(|problem| HostError::new(NAMESPACE, OPERATION, problem))
}

/// The call, as errors name it.
const NAMESPACE: &str = "wasi_snapshot_preview1";
const OPERATION: &str = "clock_time_get";

const NANOSECONDS_A_DAY: u64 = 86_400 * 1_000_000_000;
/// 2020-01-01, in days since 1970.
const EARLIEST: i64 = 18_262;

fn day(nanoseconds: u64) -> Result<Date, &'static str> {
    // At most 213,503 days, in the year 2554.
    let days = (nanoseconds / NANOSECONDS_A_DAY) as i64;
    match Date::from_days_since_1970(days) {
        Some(date) if days >= EARLIEST => Ok(date),
        _ => Err("the clock says a day before 2020: it is not set"),
    }
}

/// Nanoseconds since 1970.
#[cfg(target_arch = "wasm32")]
fn read() -> Result<u64, &'static str> {
    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        fn clock_time_get(clock: i32, precision: u64, time: *mut u64) -> i32;
    }
    /// The clock on the wall, which can be set.
    const REALTIME: i32 = 0;
    const SECOND: u64 = 1_000_000_000;

    let mut time = 0;
    // SAFETY: the host writes 8 bytes to the address of a u64, or nothing.
    match unsafe { clock_time_get(REALTIME, SECOND, &raw mut time) } {
        0 => Ok(time),
        _ => Err("the host has no clock"),
    }
}

/// Nanoseconds since 1970.
#[cfg(not(target_arch = "wasm32"))]
fn read() -> Result<u64, &'static str> {
    use std::time::{SystemTime, UNIX_EPOCH};
    // Before 1970 is before 2020.
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_nanos()).map_err(|_| "the clock says a day after 2554")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_lasts_until_midnight() {
        let at = |text: &str| u64::try_from(text.parse::<Date>().unwrap().days_since_1970()).unwrap() * NANOSECONDS_A_DAY;
        let day = |nanoseconds| day(nanoseconds).map(|date| date.to_string());
        assert_eq!(day(at("2026-11-24")).as_deref(), Ok("2026-11-24"));
        assert_eq!(day(at("2026-11-25") - 1).as_deref(), Ok("2026-11-24"));
        assert_eq!(day(at("2020-01-01")).as_deref(), Ok("2020-01-01"));
        assert_eq!(day(u64::MAX).as_deref(), Ok("2554-07-21"));
        for absurd in [0, at("2020-01-01") - 1] {
            assert_eq!(day(absurd), Err("the clock says a day before 2020: it is not set"));
        }
    }

    #[test]
    fn the_system_knows_the_day() {
        assert!(today().unwrap() >= Date::from_days_since_1970(EARLIEST).unwrap());
    }
}
