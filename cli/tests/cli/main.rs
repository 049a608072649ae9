//! The command as its users run it: the built binary, in a folder of its own.

mod access;
mod bad_input;
mod commands;
mod configuration;
mod examples;
mod formats;
mod inputs;
mod keys;
mod manifests;
mod net;
mod secrets;
mod support;
mod today;
