//! Browser tests: run in headless Chromium by wasm-bindgen-test-runner.
#![cfg(target_arch = "wasm32")]

use vitrine::ui::App;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{Element, HtmlElement, wasm_bindgen::JsCast};

wasm_bindgen_test_configure!(run_in_browser);

fn mount() -> Element {
    let document = web_sys::window().unwrap().document().unwrap();
    let root = document.create_element("div").unwrap();
    document.body().unwrap().append_child(&root).unwrap();
    yew::Renderer::<App>::with_root(root.clone()).render();
    root
}

fn text(root: &Element, selector: &str) -> String {
    root.query_selector(selector).unwrap().unwrap().text_content().unwrap()
}

async fn settle() {
    // Yew renders in a micro-task: one turn of the event loop is enough.
    yew::platform::time::sleep(std::time::Duration::ZERO).await;
}

#[wasm_bindgen_test]
async fn clicking_fork_adds_a_process() {
    let root = mount();
    settle().await;
    assert_eq!(text(&root, "#count"), "0 processes");
    let button: HtmlElement = root.query_selector("#fork").unwrap().unwrap().dyn_into().unwrap();
    button.click();
    button.click();
    settle().await;
    assert_eq!(text(&root, "#count"), "2 processes");
    assert_eq!(root.query_selector_all("circle").unwrap().length(), 2);
}
