# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A headless Chromium, by the WebDriver protocol (https://www.w3.org/TR/webdriver2/) of chromedriver.

# browser_start: $DRIVER is its address, $DRIVER_PID its process
browser_start() {
    local port log=$BATS_TEST_TMPDIR/chromedriver
    : > "$log"
    chromedriver --port=0 > "$log" 2>&1 3>&- &
    DRIVER_PID=$!
    wait_until grep -q 'started successfully on port' "$log"
    port=$(sed -n 's/.*started successfully on port \([0-9]*\).*/\1/p' "$log")
    DRIVER=http://127.0.0.1:$port
    # As root it runs without its own sandbox only; the page is ours.
    post session '{"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions":
        {"binary": "/usr/bin/chromium", "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]}}}}'
    DRIVER=$DRIVER/session/$(jq -r .value.sessionId <<< "$ANSWER")
}

browser_stop() {
    [[ -n ${DRIVER_PID-} ]] || return 0
    curl -sS --max-time 20 -X DELETE "$DRIVER" > /dev/null || :
    kill "$DRIVER_PID" || :
}

# post PATH JSON: $ANSWER
post() {
    ANSWER=$(curl -sS --max-time 60 -H 'Content-Type: application/json' -d "$2" "$DRIVER/$1") || return
    [[ $(jq -r '.value.error? // ""' <<< "$ANSWER" 2> /dev/null) == '' ]] || fail "chromedriver: $1: ${ANSWER:0:400}"
}

# devtools COMMAND PARAMETERS: of the Chrome DevTools protocol
devtools() { post goog/cdp/execute "{\"cmd\": \"$1\", \"params\": $2}"; }

# browser_show FILE WIDTH light|dark|print
browser_show() {
    local media=screen scheme=$3
    [[ $3 != print ]] || media=print scheme=light
    devtools Emulation.setDeviceMetricsOverride "{\"width\": $2, \"height\": 900, \"deviceScaleFactor\": 1, \"mobile\": false}"
    devtools Emulation.setEmulatedMedia "{\"media\": \"$media\", \"features\": [{\"name\": \"prefers-color-scheme\", \"value\": \"$scheme\"}]}"
    post url "{\"url\": \"file://$1\"}"
}

# browser_ask FILE: what the JavaScript in it returns, as JSON
browser_ask() {
    post execute/sync "$(jq -n --rawfile script "$1" '{script: $script, args: []}')"
    jq -c .value <<< "$ANSWER"
}

# browser_picture FILE: all of the page
browser_picture() {
    devtools Page.captureScreenshot '{"captureBeyondViewport": true}'
    jq -r .value.data <<< "$ANSWER" | base64 -d > "$1"
}
