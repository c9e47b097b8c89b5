mod counter;
mod faults;
mod intercepted;
mod operation;

pub use self::counter::Counter;
pub use self::faults::{Fault, Faults};
pub use self::intercepted::{Intercepted, Interceptor};
pub use self::operation::Operation;
