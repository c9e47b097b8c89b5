//! A global allocator that counts, for "allocations per request".

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// The system's allocator with a counter before it; a binary that wants counts installs it.
#[derive(Debug)]
pub struct CountingAllocator;

/// Calls of this thread that asked for memory so far: allocations and reallocations.
pub fn allocations() -> u64 {
    COUNT.get()
}

// SAFETY: every call goes on to the system's allocator unchanged; the counter is a plain thread-local number without a
// destructor, so touching it neither allocates nor outlives its thread.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(block, layout, new_size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { System.dealloc(block, layout) }
    }
}

// One add on a thread-local: an atomic would charge most to those who allocate most, and the clock runs meanwhile.
fn count() {
    COUNT.set(COUNT.get() + 1);
}

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}
