#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# list.sh FOLDER: the copyright files below FOLDER as {"files": ["…", …]}, in the order of their bytes.
set -eu
LC_ALL=C
export LC_ALL
folder=${1:?usage: list.sh FOLDER}
[ -d "$folder" ] || { echo "list.sh: '$folder' is not a folder" >&2; exit 1; }

for file in "$folder"/*/copyright; do
    if [ -f "$file" ] && [ -r "$file" ]; then printf '%s\n' "$file"; fi
done | awk '
    BEGIN { printf "{\"files\":[" }
    {
        gsub(/\\/, "&&")
        gsub(/"/, "\\\"")
        printf "%s\"%s\"", (NR > 1 ? "," : ""), $0
    }
    END { print "]}" }'
