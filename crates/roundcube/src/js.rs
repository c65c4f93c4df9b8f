//! Roundcube's scripts, called by name: they are not there when this is compiled, and may be others tomorrow. What fails
//! answers `undefined`.

use js_sys::{Array, Function, Object, Reflect};
use leptos::prelude::document;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlElement;

/// A property.
pub(crate) fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or_default()
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
    let Ok(function) = get(object, method).dyn_into::<Function>() else { return JsValue::UNDEFINED };
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

/// Roundcube's own object on this page.
pub(crate) fn rcmail() -> JsValue {
    get(&js_sys::global(), "rcmail")
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
