#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# refund.sh: undoes charge.sh. Its standard input has {"output": {"payment": …}}, or {"output": null} when nobody knows what
# became of the attempt; then there may be nothing to undo. ORDER_PACE: seconds to wait first.
set -eu
# shellcheck source=Examples/order-saga/ledger.sh
. "$(dirname "$0")/ledger.sh"
if [ -n "${ORDER_PACE:-}" ]; then sleep "$ORDER_PACE"; fi
payment=$(sed -n 's/.*"payment" *: *"\([^"]*\)".*/\1/p')
note undid charge "${payment:-unknown}"
