use std::fmt;

use crate::store::every_operation;

macro_rules! one_variant_each {
    ($($operation:ident: $name:ident($($borrowed:ident: $place:ty),*; $($value:ident: $kind:ty),*) -> $answer:ty;)*) => {
        /// The operations of a store, as an [`Interceptor`](super::Interceptor) is told of them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Operation {
            $(
                #[doc = concat!("[`", stringify!($name), "`](crate::store::SessionStore::", stringify!($name), ").")]
                $operation,
            )*
        }

        impl Operation {
            /// All of them, in the order in which the trait declares them.
            pub const ALL: &[Self] = &[$(Self::$operation),*];

            /// The name of the method, such as `add_client`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$operation => stringify!($name),)*
                }
            }
        }
    };
}

every_operation!(one_variant_each);

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
