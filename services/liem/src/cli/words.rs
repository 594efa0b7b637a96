//! Words of the command line for values of the contract.

/// A word of the command line for each value of an enum of the contract.
macro_rules! words {
    ($($name:ident $module:ident { $($variant:ident)* })*) => {
        $(
            #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
            #[value(rename_all = "snake_case")]
            pub(crate) enum $name {
                $($variant),*
            }

            impl From<$name> for i32 {
                fn from(word: $name) -> Self {
                    match word {
                        $($name::$variant => proto::$module::$name::$variant.into(),)*
                    }
                }
            }
        )*
    };
}
