// SPDX-License-Identifier: Apache-2.0 OR MIT

@main
struct Main {
    static func main() {}
}
