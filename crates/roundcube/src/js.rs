//! Roundcube's scripts, called by name: they are not there when this is compiled, and may be others tomorrow. What fails
//! answers `undefined`.

use std::pin::Pin;

use js_sys::{Array, Function, Object, Promise, Reflect};
use leptos::prelude::document;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::future_to_promise;
use web_sys::HtmlElement;

/// A property.
pub(crate) fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or_default()
}

/// A text, or a number as one: PHP writes numbers with or without quotes.
pub(crate) fn text(value: &JsValue) -> Option<String> {
    value.as_string().or_else(|| value.as_f64().map(|number| format!("{}", number as i64)))
}

/// A property within properties.
pub(crate) fn at(object: &JsValue, path: &[&str]) -> JsValue {
    path.iter().fold(object.clone(), |object, name| get(&object, name))
}

/// The names of the properties.
pub(crate) fn names(object: &JsValue) -> Vec<String> {
    let keys = Reflect::own_keys(object).unwrap_or_default();
    keys.iter().filter_map(|key| key.as_string()).collect()
}

/// Sets a property.
pub(crate) fn set(object: &JsValue, name: &str, value: &JsValue) {
    let _ = Reflect::set(object, &name.into(), value);
}

/// Calls a method.
pub(crate) fn call(object: &JsValue, method: &str, arguments: &[JsValue]) -> JsValue {
    let function = get(object, method);
    // Not by its class: the functions of the page around this one are of another.
    if !function.is_function() {
        return JsValue::UNDEFINED;
    }
    let function: Function = function.unchecked_into();
    function.apply(object, &arguments.iter().collect::<Array>()).unwrap_or_default()
}

/// An object with these properties.
pub(crate) fn object(properties: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    properties.iter().for_each(|(name, value)| set(&object, name, value));
    object.into()
}

/// A function that Roundcube may call for as long as the page lives.
pub(crate) fn function(mut act: impl FnMut(JsValue) + 'static) -> JsValue {
    answering(move |argument| {
        act(argument);
        JsValue::UNDEFINED
    })
}

/// A function that answers.
pub(crate) fn answering(act: impl FnMut(JsValue) -> JsValue + 'static) -> JsValue {
    boxed(Box::new(act))
}

#[inline(never)]
fn boxed(act: Box<dyn FnMut(JsValue) -> JsValue>) -> JsValue {
    Closure::wrap(act).into_js_value()
}

/// A promise of what a future answers.
pub(crate) fn promise(answer: impl Future<Output = JsValue> + 'static) -> Promise {
    boxed_promise(Box::pin(answer))
}

#[inline(never)]
fn boxed_promise(answer: Pin<Box<dyn Future<Output = JsValue>>>) -> Promise {
    future_to_promise(async move { Ok(answer.await) })
}

/// Roundcube's own object on this page.
pub(crate) fn rcmail() -> JsValue {
    get(&js_sys::global(), "rcmail")
}

/// Whether this page is a part of another one of Roundcube's, such as its preview.
pub(crate) fn is_framed() -> bool {
    call(&rcmail(), "is_framed", &[]).is_truthy()
}

/// The window of the whole page: from within the preview, the one around it.
pub(crate) fn whole_page() -> JsValue {
    if is_framed() { get(&js_sys::global(), "parent") } else { js_sys::global().into() }
}

/// Has Roundcube call a function on an event for as long as the page lives.
pub(crate) fn listen(event: &str, function: JsValue) {
    call(&rcmail(), "addEventListener", &[event.into(), function]);
}

/// The first element that the selector names.
pub(crate) fn element(selector: &str) -> Option<HtmlElement> {
    document().query_selector(selector).ok()??.dyn_into().ok()
}

/// One line in the browser's console, for whoever looks after the webmail.
pub(crate) fn complain(text: &str) {
    call(&get(&js_sys::global(), "console"), "error", &[format!("tls_guarantee: {text}").into()]);
}
