//! waPC, the protocol between a policy and its host: the guest's side.
//!
//! The protocol is small enough that this file is all of it. `wapc-guest` and the Kubewarden SDK would bring a registry of
//! handlers, hash maps and 100 crates more into each module.
#![allow(unsafe_code)]

use crate::{Host, HostError, Policy};

#[link(wasm_import_module = "wapc")]
unsafe extern "C" {
    fn __guest_request(operation: *mut u8, payload: *mut u8);
    fn __guest_response(response: *const u8, length: usize);
    fn __guest_error(message: *const u8, length: usize);
    #[allow(clippy::too_many_arguments)]
    fn __host_call(
        binding: *const u8,
        binding_length: usize,
        namespace: *const u8,
        namespace_length: usize,
        operation: *const u8,
        operation_length: usize,
        payload: *const u8,
        payload_length: usize,
    ) -> usize;
    fn __host_response_len() -> usize;
    fn __host_response(response: *mut u8);
    fn __host_error_len() -> usize;
    fn __host_error(message: *mut u8);
}

/// What `__guest_call` does: fetches operation and payload, runs them, and hands the answer back. 1 is success, 0 an error.
pub fn guest_call<P: Policy>(operation_length: usize, payload_length: usize) -> i32 {
    let mut operation = vec![0; operation_length];
    let mut payload = vec![0; payload_length];
    // SAFETY: the host writes exactly the lengths that it announced.
    unsafe { __guest_request(operation.as_mut_ptr(), payload.as_mut_ptr()) };
    match crate::run::<P>(&operation, &payload, &PolicyServer) {
        // SAFETY: the host copies the bytes before it returns, here and below.
        Ok(response) => unsafe {
            __guest_response(response.as_ptr(), response.len());
            1
        },
        Err(message) => unsafe {
            __guest_error(message.as_ptr(), message.len());
            0
        },
    }
}

/// The host, through waPC.
struct PolicyServer;

impl Host for PolicyServer {
    fn call(&self, namespace: &str, operation: &str, payload: &[u8]) -> Result<Vec<u8>, HostError> {
        let binding = "kubewarden";
        // SAFETY: every pointer comes with its length; the host reads only.
        let succeeded = unsafe {
            __host_call(
                binding.as_ptr(),
                binding.len(),
                namespace.as_ptr(),
                namespace.len(),
                operation.as_ptr(),
                operation.len(),
                payload.as_ptr(),
                payload.len(),
            )
        } == 1;
        // SAFETY: the host fills exactly the length that it announced.
        let answer = unsafe {
            let mut answer = vec![0; if succeeded { __host_response_len() } else { __host_error_len() }];
            if succeeded {
                __host_response(answer.as_mut_ptr())
            } else {
                __host_error(answer.as_mut_ptr())
            }
            answer
        };
        if succeeded { Ok(answer) } else { Err(HostError::new(namespace, operation, String::from_utf8_lossy(&answer))) }
    }
}
