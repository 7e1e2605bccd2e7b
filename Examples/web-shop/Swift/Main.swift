// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import CanoSQLite
import Foundation
import Hummingbird

/// A web shop whose orders survive it: `POST /orders/4711?cents=1999` places one and answers when it is shipped.
///
/// The same number gives the same order, however often somebody reloads the page. Ctrl-C or SIGTERM stops the server
/// first and the runner behind it; orders that are not finished go on the next time.
@main
enum Main {
    @concurrent
    static func main() async throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 8080
        let path = FileManager.default.temporaryDirectory.appending(path: "web-shop.sqlite").path
        let store = try await SQLiteStore.open(path: path)
        try await EmbeddedRunner.run(PlaceOrder(), on: store) { runner in
            let router = Router()
            router.post("orders/:number") { request, context -> String in
                let number = try context.parameters.require("number")
                let cents = request.uri.queryParameters.get("cents", as: Int.self) ?? 0
                let order = PlaceOrder.Context(number: number, cents: cents)
                do {
                    let run = try await runner.start(PlaceOrder.self, context: order, key: number)
                    return "parcel \(try await run.outcome().context.parcel ?? "none")\n"
                } catch let error as CanoError where error.code == .keyInUse || error.code == .runFailed {
                    throw HTTPError(.conflict, message: error.message)
                }
            }
            let app = Application(router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)))
            try await app.runService()
        }
        await store.close()
    }
}
