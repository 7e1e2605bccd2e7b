#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# charge.sh ORDER: prints the payment as JSON, which is merged into the context and handed to the undo.
set -eu
# shellcheck source=Examples/order-saga/ledger.sh
. "$(dirname "$0")/ledger.sh"
note did charge "$1"
printf '{"payment": "P-%s"}\n' "$1"
