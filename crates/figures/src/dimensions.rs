//! By what figures are grouped: what the dimensions of every subject have in common.

/// Makes an enum of a table of its values and their names, which are those of the option and of JSON: `ALL`, `as_str`,
/// `Display`, and `FromStr`, whose error names all of them behind `$problem`.
macro_rules! dimensions {
    ($(#[$about:meta])* $name:ident or $unknown:ident = $problem:literal {
        $($(#[$doc:meta])* $value:ident = $word:literal,)*
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $value,)*
        }

        impl $name {
            /// Every dimension.
            pub const ALL: &[Self] = &[$(Self::$value,)*];

            /// Its name, as in the option and in JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        #[doc = concat!("The text names no [`", stringify!($name), "`].")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        #[error("{}; use {}", $problem, [$($word,)*].join(", "))]
        pub struct $unknown;

        impl std::str::FromStr for $name {
            type Err = $unknown;

            fn from_str(word: &str) -> Result<Self, $unknown> {
                let known = Self::ALL.iter().find(|one| one.as_str() == word);
                known.copied().ok_or($unknown)
            }
        }
    };
}

pub(crate) use dimensions;
