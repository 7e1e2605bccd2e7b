// SPDX-License-Identifier: Apache-2.0 OR MIT

import Cano
import Testing

@Suite("Mailbox")
struct MailboxTests {
    @Test("what is taken one by one, in parts and all at once comes in order and once", arguments: [1, 3, 40, 1000])
    func order(part: Int) async {
        let mailbox = Mailbox<Int>()
        var taken: [Int] = []
        for round in 0..<5 {
            for number in round * 100..<round * 100 + 100 { mailbox.post(number) }
            for _ in 0..<20 { taken += mailbox.take(atMost: part).items }
        }
        taken += mailbox.take(atMost: .max).items
        #expect(taken == Array(0..<500))
        #expect(mailbox.take(atMost: 1).items.isEmpty)
    }

    @Test("every waiting loop is woken when there is enough for all")
    func waking() async {
        let mailbox = Mailbox<Int>()
        let sum = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<3 { group.addTask { await mailbox.next(atMost: 1)?.first ?? 0 } }
            for number in [1, 2, 4] { mailbox.post(number) }
            return await group.reduce(0, +)
        }
        #expect(sum == 7)
    }
}
