//! Parts of the page that change. Behind one type of function for each type of value, so that the machinery
//! that keeps them up to date is compiled once and not for every closure: the module is a third smaller for it.

/// What a changing part is made of.
pub(crate) type Live<T> = Box<dyn FnMut() -> T + Send>;

/// A part that is made anew whenever a signal it reads changes.
pub(crate) fn live<T>(part: impl FnMut() -> T + Send + 'static) -> Live<T> {
    Box::new(part)
}
