//! Elements of one type.
//!
//! Leptos gives every shape of markup a type, and every type its own code to build and to change it: written as
//! templates, this page is twice the size its module may have. These elements are Leptos' own, with one type
//! for all of them; what is said of an element is said by methods.

use leptos::ev;
use leptos::prelude::*;
use leptos::tachys::html::attribute::any_attribute::{AnyAttribute, IntoAnyAttribute};
use leptos::tachys::html::attribute::custom::custom_attribute;
use leptos::tachys::html::element::{ElementChild, custom};
use leptos::tachys::html::event::on;
use leptos::tachys::html::property::prop;
use leptos::tachys::view::add_attr::AddAnyAttr;
use leptos::tachys::view::iterators::StaticVec;
use wasm_bindgen::JsCast;
use web_sys::Event;

use crate::components::icon;

/// An element in the making; small, so that passing it on costs little.
pub struct El(Box<Parts>);

struct Parts {
    tag: &'static str,
    attributes: Vec<AnyAttribute>,
    children: Vec<AnyView>,
}

/// An element.
#[inline(never)]
pub fn el(tag: &'static str) -> El {
    El(Box::new(Parts { tag, attributes: Vec::new(), children: Vec::new() }))
}

/// An element with a class.
#[inline(never)]
pub fn classed(tag: &'static str, class: &'static str) -> El {
    el(tag).class(class)
}

/// A part that is made anew whenever a signal that it reads changes.
pub fn live(part: impl FnMut() -> AnyView + Send + 'static) -> AnyView {
    boxed_live(Box::new(part))
}

#[inline(never)]
fn boxed_live(part: Box<dyn FnMut() -> AnyView + Send>) -> AnyView {
    part.into_any()
}

/// What happens whenever a signal that it reads changes, and at first.
pub fn effect(act: impl FnMut() + 'static) {
    boxed_effect(Box::new(act));
}

#[inline(never)]
fn boxed_effect(mut act: Box<dyn FnMut()>) {
    Effect::new(move |_| act());
}

/// Nothing.
pub fn nothing() -> AnyView {
    ().into_any()
}

impl El {
    fn add(mut self, attribute: AnyAttribute) -> Self {
        self.0.attributes.push(attribute);
        self
    }

    /// An attribute.
    pub fn attr(self, name: &'static str, value: impl AsRef<str>) -> Self {
        self.plain_attr(name, value.as_ref())
    }

    #[inline(never)]
    fn plain_attr(self, name: &'static str, value: &str) -> Self {
        self.add(custom_attribute(name, value.to_owned()).into_any_attr())
    }

    /// The classes.
    pub fn class(self, class: &'static str) -> Self {
        self.attr("class", class)
    }

    /// An attribute that changes; it is absent while there is no value.
    pub fn live_attr(
        self,
        name: &'static str,
        value: impl FnMut() -> Option<String> + Send + 'static,
    ) -> Self {
        self.boxed_attr(name, Box::new(value))
    }

    #[inline(never)]
    fn boxed_attr(self, name: &'static str, value: Box<dyn FnMut() -> Option<String> + Send>) -> Self {
        self.add(custom_attribute(name, value).into_any_attr())
    }

    /// An attribute that says `true` or is absent.
    pub fn truth(self, name: &'static str, value: impl Fn() -> bool + Send + 'static) -> Self {
        self.live_attr(name, move || value().then(|| "true".to_owned()))
    }

    /// Whether it is hidden.
    pub fn hidden(self, value: impl Fn() -> bool + Send + 'static) -> Self {
        self.live_attr("hidden", move || value().then(String::new))
    }

    /// What stands in a field, both ways: shown as it changes, `changed` hears what is typed.
    pub fn value(
        self,
        value: impl Fn() -> String + Send + 'static,
        changed: impl Fn(String) + 'static,
    ) -> Self {
        let value: Box<dyn FnMut() -> String + Send> = Box::new(value);
        self.add(prop("value", value).into_any_attr())
            .on("input", move |event| changed(event_target_value(&event)))
    }

    /// Whether a choice is made; what the user chooses is put right again whenever `value` changes.
    pub fn checked(self, value: impl Fn() -> bool + Send + 'static) -> Self {
        let value: Box<dyn FnMut() -> bool + Send> = Box::new(value);
        self.add(prop("checked", value).into_any_attr())
    }

    /// What happens on an event.
    pub fn on(self, event: &'static str, act: impl FnMut(Event) + 'static) -> Self {
        self.boxed_on(event, Box::new(act))
    }

    #[inline(never)]
    fn boxed_on(self, event: &'static str, act: Box<dyn FnMut(Event)>) -> Self {
        self.add(on(ev::Custom::<Event>::new(event), act).into_any_attr())
    }

    /// What happens when it is pressed.
    pub fn press(self, mut act: impl FnMut() + 'static) -> Self {
        self.on("click", move |_| act())
    }

    /// An element within it, after the parts that it has.
    #[inline(never)]
    pub fn child(self, element: El) -> Self {
        self.view(element.into())
    }

    /// A part of any kind within it.
    #[inline(never)]
    pub fn view(mut self, part: AnyView) -> Self {
        self.0.children.push(part);
        self
    }

    /// An element that there may be.
    pub fn maybe(self, element: Option<El>) -> Self {
        match element {
            Some(element) => self.child(element),
            None => self,
        }
    }

    /// Parts within it.
    pub fn children(mut self, parts: impl IntoIterator<Item = El>) -> Self {
        self.0.children.extend(parts.into_iter().map(AnyView::from));
        self
    }

    /// Text.
    pub fn text(self, text: impl AsRef<str>) -> Self {
        self.plain_text(text.as_ref())
    }

    #[inline(never)]
    fn plain_text(self, text: &str) -> Self {
        self.view(text.to_owned().into_any())
    }

    /// An icon, hidden from screen readers, and a blank.
    #[inline(never)]
    pub fn icon(self, name: &'static str) -> Self {
        self.view(icon(name).into_any()).text(" ")
    }

    /// Text that changes.
    pub fn live_text(self, text: impl FnMut() -> String + Send + 'static) -> Self {
        let text: Box<dyn FnMut() -> String + Send> = Box::new(text);
        self.view(text.into_any())
    }
}

impl From<El> for AnyView {
    #[inline(never)]
    fn from(El(parts): El) -> Self {
        let Parts { tag, attributes, children } = *parts;
        custom(tag).child(StaticVec::from(children)).add_any_attr(attributes).into_any()
    }
}

/// An icon beside a word.
pub fn with_icon(element: El, name: &'static str, word: impl AsRef<str>) -> El {
    element.icon(name).child(el("span").text(word))
}

/// An event of the type that it is known to have.
pub fn event_as<E: JsCast>(event: Event) -> Option<E> {
    event.dyn_into().ok()
}
