//! Browser tests of the page: components rendered into a document, clicked, read. They run in headless
//! Chromium by wasm-bindgen-test-runner.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

use vitrine::ui::App;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::wasm_bindgen::JsCast;
use web_sys::{Document, Element, Event, EventInit, HtmlElement, HtmlInputElement, HtmlTextAreaElement};

wasm_bindgen_test_configure!(run_in_browser);

/// The page in a place of its own; taken away at the end of the test.
struct Page {
    root: Element,
    app: Option<yew::AppHandle<App>>,
}

impl Drop for Page {
    fn drop(&mut self) {
        if let Some(app) = self.app.take() {
            app.destroy();
        }
        self.root.remove();
    }
}

fn document() -> Document {
    web_sys::window().unwrap().document().unwrap()
}

async fn settle() {
    // Yew renders in a micro-task; effects follow: a few turns of the event loop are enough.
    for _ in 0..3 {
        yew::platform::time::sleep(std::time::Duration::ZERO).await;
    }
}

impl Page {
    async fn open() -> Page {
        let storage = web_sys::window().unwrap().local_storage().unwrap().unwrap();
        storage.clear().unwrap();
        web_sys::window().unwrap().session_storage().unwrap().unwrap().clear().unwrap();
        storage.set_item("vitrine.lang", "\"en\"").unwrap();
        // A test before may have led the address to a lab.
        web_sys::window().unwrap().location().set_hash("").unwrap();
        settle().await;
        let root = document().create_element("div").unwrap();
        document().body().unwrap().append_child(&root).unwrap();
        let app = yew::Renderer::<App>::with_root(root.clone()).render();
        settle().await;
        Page { root, app: Some(app) }
    }

    #[track_caller]
    fn find(&self, id: &str) -> HtmlElement {
        let selector = format!("[data-testid={id}]");
        let found = self.root.query_selector(&selector).unwrap();
        found.unwrap_or_else(|| panic!("nothing has the test id {id}")).dyn_into().unwrap()
    }

    fn has(&self, id: &str) -> bool {
        self.root.query_selector(&format!("[data-testid={id}]")).unwrap().is_some()
    }

    #[track_caller]
    fn text(&self, id: &str) -> String {
        self.find(id).text_content().unwrap()
    }

    #[track_caller]
    fn data(&self, id: &str, name: &str) -> String {
        self.find(id).get_attribute(&format!("data-{name}")).unwrap_or_default()
    }

    async fn click(&self, id: &str) {
        self.find(id).click();
        settle().await;
    }

    async fn type_in(&self, id: &str, text: &str) {
        let field = self.find(id);
        match field.dyn_ref::<HtmlInputElement>() {
            Some(input) => input.set_value(text),
            None => field.dyn_ref::<HtmlTextAreaElement>().unwrap().set_value(text),
        }
        let init = EventInit::new();
        init.set_bubbles(true);
        field.dispatch_event(&Event::new_with_event_init_dict("input", &init).unwrap()).unwrap();
        settle().await;
    }

    fn at(&self) -> usize {
        self.data("step-label", "at").parse().unwrap()
    }
}

#[wasm_bindgen_test]
async fn opens_with_a_packet_walked() {
    let page = Page::open().await;
    assert_eq!(page.at(), 1);
    assert!(page.data("step-label", "of").parse::<usize>().unwrap() > 5);
    assert_eq!(page.data("verdict", "verdict"), "", "no verdict before the end");
    assert!(!page.data("sent", "verdict").is_empty());
}

#[wasm_bindgen_test]
async fn steps_forward_and_back() {
    let page = Page::open().await;
    page.click("btn-step").await;
    page.click("btn-step").await;
    assert_eq!(page.at(), 3);
    page.click("btn-back").await;
    assert_eq!(page.at(), 2);
    page.click("btn-start").await;
    assert_eq!(page.at(), 1);
    assert!(page.find("btn-back").has_attribute("disabled"));
}

#[wasm_bindgen_test]
async fn a_hook_forward_and_back_is_where_it_was() {
    let page = Page::open().await;
    page.click("btn-hook-next").await;
    let first = page.at();
    page.click("btn-hook-next").await;
    assert!(page.at() > first);
    page.click("btn-hook-back").await;
    assert_eq!(page.at(), first);
}

#[wasm_bindgen_test]
async fn running_shows_the_verdict() {
    let page = Page::open().await;
    page.click("btn-run").await;
    assert_eq!(page.data("step-label", "at"), page.data("step-label", "of"));
    assert_ne!(page.data("verdict", "verdict"), "");
}

#[wasm_bindgen_test]
async fn the_current_rule_is_marked_with_its_reason() {
    let page = Page::open().await;
    for _ in 0..40 {
        if page.has("rule-current") {
            break;
        }
        page.click("btn-step").await;
    }
    assert_eq!(page.data("rules", "table"), "nat");
    assert_eq!(page.data("rules", "chain"), "PREROUTING");
    assert_eq!(page.data("rule-current", "index"), "1");
    assert!(page.text("why").contains("addrtype"));
    let current = page.root.query_selector("[data-testid=cell][data-state=current]").unwrap().unwrap();
    assert_eq!(current.get_attribute("data-hook").unwrap(), "PREROUTING");
    assert_eq!(current.get_attribute("data-table").unwrap(), "nat");
}

#[wasm_bindgen_test]
async fn language_and_theme_switch() {
    let page = Page::open().await;
    let html = document().document_element().unwrap();
    assert_eq!(html.get_attribute("lang").unwrap(), "en");
    let before = page.text("btn-step");
    page.click("lang-switch").await;
    assert_eq!(html.get_attribute("lang").unwrap(), "ko");
    assert_ne!(page.text("btn-step"), before);
    let theme = html.get_attribute("data-theme").unwrap();
    page.click("theme-switch").await;
    assert_ne!(html.get_attribute("data-theme").unwrap(), theme);
}

#[wasm_bindgen_test]
async fn a_packet_is_edited_and_sent() {
    let page = Page::open().await;
    page.click("packet-open").await;
    page.type_in("pf-dport", "99999").await;
    assert_ne!(page.text("packet-error"), "");
    page.click("btn-send").await;
    assert!(page.has("packet-form"), "nothing is sent");
    page.type_in("pf-dport", "22").await;
    assert_eq!(page.text("packet-error"), "");
    page.click("btn-send").await;
    assert!(!page.has("packet-form"), "the sheet closes");
    assert_eq!(page.root.query_selector_all("[data-testid=sent]").unwrap().length(), 2);
}

#[wasm_bindgen_test]
async fn a_pasted_dump_takes_the_place_of_the_host() {
    let page = Page::open().await;
    page.click("dump-open").await;
    page.type_in(
        "dump-paste",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
    )
    .await;
    page.click("dump-apply").await;
    assert!(!page.has("dump-paste"), "the sheet closes");
    page.click("btn-run").await;
    assert_eq!(page.data("verdict", "verdict"), "ACCEPT");
}

#[wasm_bindgen_test]
async fn a_bad_dump_names_its_place() {
    let page = Page::open().await;
    let before = page.text("specimen");
    page.click("dump-open").await;
    page.type_in("dump-paste", "*filter\n-A INPUT -j NOPE\nCOMMIT\n").await;
    page.click("dump-apply").await;
    let error = page.text("dump-error");
    assert!(error.contains("2:13") && error.contains("NOPE") && error.contains("^^^^"), "{error}");
    assert_eq!(page.text("specimen"), before, "the rules before stay");
}

#[wasm_bindgen_test]
async fn markup_in_a_dump_is_text() {
    let page = Page::open().await;
    page.click("dump-open").await;
    let dump =
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m comment --comment \"<img src=x>\" -j ACCEPT\nCOMMIT\n";
    page.type_in("dump-paste", dump).await;
    page.click("dump-apply").await;
    page.click("btn-run").await;
    page.click("btn-hook-back").await;
    assert!(page.root.query_selector("img").unwrap().is_none());
}

#[wasm_bindgen_test]
async fn a_long_chain_keeps_few_rows() {
    let page = Page::open().await;
    let mut dump = String::from("*filter\n:INPUT DROP [0:0]\n");
    for i in 0..5000 {
        dump.push_str(&format!("-A INPUT -s 10.{}.{}.1/32 -j DROP\n", i / 250, i % 250));
    }
    dump.push_str("COMMIT\n");
    page.click("dump-open").await;
    page.type_in("dump-paste", &dump).await;
    page.click("dump-apply").await;
    page.click("btn-run").await;
    assert_eq!(page.data("verdict", "verdict"), "DROP");
    let rows =
        page.root.query_selector_all("[data-testid=rule], [data-testid=rule-current]").unwrap().length();
    assert!(rows > 5 && rows < 130, "{rows} rows");
}

#[wasm_bindgen_test]
async fn the_verdict_is_that_on_the_packet_sent_not_on_the_answer() {
    let page = Page::open().await;
    page.click("dump-open").await;
    let dump = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j REJECT --reject-with tcp-reset\nCOMMIT\n";
    page.type_in("dump-paste", dump).await;
    page.click("dump-apply").await;
    page.click("btn-run").await;
    assert_eq!(page.data("verdict", "verdict"), "REJECT");
    assert!(page.text("summary").contains("REJECT"));
}

#[wasm_bindgen_test]
async fn a_host_is_described_beside_its_rules() {
    let page = Page::open().await;
    page.click("dump-open").await;
    page.type_in("dump-paste", "*filter\n:INPUT DROP [0:0]\n-A INPUT -i ens3 -j ACCEPT\nCOMMIT\n").await;
    page.type_in("dump-host", "ens3 UP not/an-address\n").await;
    page.click("dump-apply").await;
    assert!(page.text("dump-error").contains("not/an-address"));
    page.type_in("dump-host", "ens3 UP 192.0.2.7/24\ndefault via 192.0.2.1 dev ens3\n").await;
    page.click("dump-apply").await;
    assert!(!page.has("assumed"), "nothing had to be worked out");
    page.click("btn-run").await;
    assert_eq!(page.data("verdict", "verdict"), "ACCEPT");
}
