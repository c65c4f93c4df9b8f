//! Files between the message and the person's disk.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use leptos::prelude::*;
use plugin::Attachment;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, FileList, HtmlAnchorElement, Url};

use crate::html::rules::is_picture_type;
use crate::message::File;

/// Hands a file to the browser's downloads. Its type is not passed on: it is to be kept, never opened here.
pub(super) fn download(file: &File) {
    let options = BlobPropertyBag::new();
    options.set_type("application/octet-stream");
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(&file.bytes[..]));
    let url = Blob::new_with_u8_array_sequence_and_options(&parts, &options)
        .and_then(|blob| Url::create_object_url_with_blob(&blob));
    let (Ok(url), Ok(link)) = (url, document().create_element("a")) else { return };
    if let Ok(link) = link.dyn_into::<HtmlAnchorElement>() {
        link.set_href(&url);
        link.set_download(&file.name);
        link.click();
    }
    // The browser has taken hold of it by then.
    set_timeout(move || drop(Url::revoke_object_url(&url)), std::time::Duration::from_secs(10));
}

/// A picture as a `data:` URL, if it is one that may be shown.
pub(super) fn picture_url(file: &File) -> Option<String> {
    is_picture_type(&file.media_type)
        .then(|| format!("data:{};base64,{}", file.media_type, STANDARD.encode(&file.bytes)))
}

/// The files of a list, which empties itself when its field is used again.
pub(super) fn listed(list: &FileList) -> Vec<web_sys::File> {
    (0..list.length()).filter_map(|at| list.get(at)).collect()
}

/// Reads chosen or dropped files; those that can't be read (a folder, or gone meanwhile) are named.
pub(super) async fn read(chosen: Vec<web_sys::File>) -> (Vec<Attachment>, Vec<String>) {
    let (mut files, mut unread) = (Vec::new(), Vec::new());
    for file in chosen {
        let kind = file.type_();
        match JsFuture::from(file.array_buffer()).await {
            Ok(content) => files.push(Attachment {
                name: file.name(),
                content_type: if kind.is_empty() { "application/octet-stream".to_owned() } else { kind },
                content_id: None,
                inline: false,
                bytes: js_sys::Uint8Array::new(&content).to_vec(),
            }),
            Err(_) => unread.push(file.name()),
        }
    }
    (files, unread)
}
