#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# reserve.sh ORDER: prints the reservation as JSON, which is merged into the context and handed to the undo.
set -eu
# shellcheck source=Examples/order-saga/ledger.sh
. "$(dirname "$0")/ledger.sh"
note did reserve "$1"
printf '{"reservation": "R-%s"}\n' "$1"
