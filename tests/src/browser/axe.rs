//! axe-core, the judge of pages' accessibility.

use std::fs;

use serde_json::{Value, json};
use thirtyfour::error::WebDriverError;

use super::{Browser, target};

/// Where the set-up puts it, below `target`.
const AXE: &str = "tools/axe/node_modules/axe-core/axe.min.js";

/// Every rule of WCAG 2.2 A and AA, and axe's good practices, about the page or frame that is looked at. Where only some
/// elements are ours, whatever is found without them as well is not, and in which landmark they stand is not our choice.
const JUDGE: &str = "
    const [ours, done] = arguments;
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const options = { resultTypes: ['violations'], iframes: false, preload: false, runOnly: tags };
    const findings = async (context) => (await axe.run(context, options)).violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, html, failureSummary }) => `${id}: ${target.join(' ')}: ${html.slice(0, 200)}: ${failureSummary}`));
    const judge = async () => {
        if (!ours) return findings(document);
        options.rules = { region: { enabled: false } };
        const all = await findings(document);
        const others = await findings({ include: [['html']], exclude: [[ours]] });
        return all.filter(finding => !others.includes(finding));
    };
    judge().then(done, error => done([String(error)]));";

impl Browser {
    /// What axe-core finds wrong with what is looked at, a line each; in a page that is another's, what is wrong because
    /// of our elements, which are those of the selector `ours`. `None`, said so, where it is not on this machine.
    ///
    /// # Panics
    /// When the browser does not answer.
    pub fn flaws(&self, ours: Option<&str>) -> Option<Vec<String>> {
        let Ok(axe) = fs::read_to_string(target().join(AXE)) else {
            println!("not run: no axe-core");
            return None;
        };
        self.finish_motion();
        let judged = self.run(async {
            let driver = self.driver();
            let is_there = driver.execute("return !!window.axe", Vec::new()).await?;
            if is_there.json() == false {
                // Its source says `this`: the page's.
                driver.execute(format!("{axe}\nwindow.axe = axe;"), Vec::new()).await?;
            }
            let judged = driver.execute_async(JUDGE, vec![json!(ours)]).await?;
            Ok::<_, WebDriverError>(judged.json().clone())
        });
        let judged = judged.expect("axe-core's judgement");
        let lines = judged.as_array().map(Vec::as_slice).unwrap_or_default();
        Some(lines.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }
}
