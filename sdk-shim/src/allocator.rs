//! The guest's memory: taken from the end of what is used, given back only in reverse order.
//!
//! The host makes a fresh instance for each evaluation and drops it whole, so nothing is gained by keeping lists of free blocks; this
//! saves each module some 9 KiB, and most of the time that allocation takes.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr;

const PAGE: usize = 64 * 1024;

/// An allocator for one thread, of a module that does not live long.
pub struct Bump {
    next: Cell<usize>,
    end: Cell<usize>,
}

// SAFETY: wasm32-unknown-unknown has one thread.
unsafe impl Sync for Bump {}

impl Bump {
    /// With no memory yet.
    pub const fn new() -> Self {
        Self { next: Cell::new(0), end: Cell::new(0) }
    }

    /// Moves the end of what is used to `next`, asking the host for more memory as needed.
    fn reach(&self, next: usize) -> bool {
        if next > self.end.get() {
            // A quarter more than needed, so that many small requests make few calls.
            let wanted = next.saturating_sub(self.end.get());
            let pages = wanted.saturating_add(next / 4).div_ceil(PAGE);
            let pages = if core::arch::wasm32::memory_grow(0, pages) == usize::MAX {
                let least = wanted.div_ceil(PAGE);
                if core::arch::wasm32::memory_grow(0, least) == usize::MAX {
                    return false;
                }
                least
            } else {
                pages
            };
            self.end.set(self.end.get() + pages * PAGE);
        }
        self.next.set(next);
        true
    }
}

// SAFETY: each block lies behind those given out before and before the end of the memory; a block is used again only after it
// was given back.
unsafe impl GlobalAlloc for Bump {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.end.get() == 0 {
            // What lies below was laid out by the linker.
            let start = core::arch::wasm32::memory_size(0) * PAGE;
            self.next.set(start);
            self.end.set(start);
        }
        let start = self.next.get().next_multiple_of(layout.align());
        match start.checked_add(layout.size()) {
            Some(next) if self.reach(next) => start as *mut u8,
            _ => ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if block as usize + layout.size() == self.next.get() {
            self.next.set(block as usize);
        }
    }

    #[inline(never)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let start = block as usize;
        if start + layout.size() == self.next.get() {
            return match start.checked_add(size) {
                Some(next) if self.reach(next) => block,
                _ => ptr::null_mut(),
            };
        }
        if size <= layout.size() {
            return block;
        }
        // SAFETY: the size is the caller's, and the alignment was valid before.
        let moved = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !moved.is_null() {
            // SAFETY: both blocks are at least as long as the old one, and the new one is fresh.
            unsafe { ptr::copy_nonoverlapping(block, moved, layout.size()) };
        }
        moved
    }
}
