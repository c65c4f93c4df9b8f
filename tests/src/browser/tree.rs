//! The browser's accessibility tree: what it tells screen readers.

use serde_json::{Value, json};

use super::Browser;
use super::element::one_spaced;

/// A thing in the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// As the browser calls it: `button`, `status`, `StaticText`.
    pub role: String,
    /// The accessible name.
    pub name: String,
    /// How what changes within it is read out: `polite`, `assertive`; empty if it is not.
    pub live: String,
    /// What else is said of it, as `expanded=false`.
    pub properties: Vec<String>,
}

impl Browser {
    /// All that the page's tree shows, with that of its frames, in the order of the page.
    ///
    /// # Panics
    /// When the browser does not answer.
    pub fn tree(&self) -> Vec<Node> {
        let frames = self.devtools("Page.getFrameTree", &json!({}));
        let mut ids = Vec::new();
        frame_ids(&frames["frameTree"], &mut ids);
        let mut nodes = Vec::new();
        for id in ids {
            let tree = self.devtools("Accessibility.getFullAXTree", &json!({ "frameId": id }));
            nodes.extend(list(&tree["nodes"]).iter().filter(|node| node["ignored"] != true).map(node));
        }
        nodes
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn frame_ids(tree: &Value, ids: &mut Vec<String>) {
    ids.extend(tree["frame"]["id"].as_str().map(str::to_owned));
    list(&tree["childFrames"]).iter().for_each(|child| frame_ids(child, ids));
}

fn node(node: &Value) -> Node {
    let text = |value: &Value| match &value["value"] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let properties = list(&node["properties"]);
    let live = properties.iter().find(|property| property["name"] == "live");
    let said = |property: &Value| {
        format!("{}={}", property["name"].as_str().unwrap_or_default(), text(&property["value"]))
    };
    Node {
        role: text(&node["role"]),
        name: one_spaced(&text(&node["name"])),
        live: live.map(|live| text(&live["value"])).unwrap_or_default(),
        properties: properties.iter().map(said).collect(),
    }
}
