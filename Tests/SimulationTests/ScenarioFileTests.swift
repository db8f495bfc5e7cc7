import Simulator
import Testing

@Suite struct `Scenario language` {
    private static let head = "forest hq van\n"

    @Test func `comments, quotes and empty lines are read as people write them`() throws {
        let file = try ScenarioFile(
            parsing: """
                # A sentence.

                forest star hq van cal   # hq is the middle
                set interval 6h
                  hq: add CN=a,$config container description="two words" as first guid 7
                """
        )
        #expect(file.dsas == ["hq", "van", "cal"])
        #expect(file.topology == .star)
        #expect(file.settings.intervalSeconds == 21_600)
        #expect(file.steps.map(\.line) == [5])
        guard case .write(0, let write, nil) = try #require(file.steps.first).command else {
            Issue.record("no write")
            return
        }
        let values = [ScenarioValues(attribute: "description", values: ["two words"])]
        #expect(
            write
                == .add(name: "CN=a,$config", objectClass: "container", values, label: "first", guid: 7)
        )
    }

    @Test(arguments: [
        ("hq: add CN=a,$config", "add NAME CLASS [ATTRIBUTE=VALUE...] [as LABEL] [guid NUMBER]"),
        (
            "hq: add CN=a,$cfg container",
            "\"CN=a,$cfg\" does not end in a naming context, as CN=a,$config does"
        ),
        ("hq: add OU=a,$config container", "an object's name starts with CN="),
        ("hq: modify @a description", "\"description\" is no attribute=value"),
        ("hq: modify @ description=1", "a label is missing after @"),
        ("hq: rename @a b", "\"b\" is no CN=NAME"),
        ("hq: move @a @b", "move OBJECT under PARENT"),
        ("hq: undelete @a below", "undelete OBJECT [under PARENT]"),
        ("hq: delete @a => never", "after => stands one result code, as entryAlreadyExists"),
        ("hq: stop => noSuchObject", "only writes are refused"),
        ("hq: partial-set url", "partial-set +ATTRIBUTE or -ATTRIBUTE"),
        ("hq: put-back disk", "put-back restore, recovery, database or machine"),
        ("hq: explode", "\"explode\" is no command to a DSA"),
        ("hq:", "no command after the DSA"),
        ("cal: stop", "no DSA \"cal\""),
        ("hq: ask van config", "\"config\" is no naming context; $config, $schema and $DSA are"),
        ("advance 3", "\"3\" is no time; 90s, 15m, 12h and 3d are"),
        ("advance 999999d", "\"999999d\" is no time; 90s, 15m, 12h and 3d are"),
        ("advance -3d", "time does not go back; a clock may: DSA: clock TIME"),
        ("hold hq>van", "\"hq>van\" is no road; a->b is"),
        ("hold hq->hq", "a road leads from one DSA to another"),
        ("deliver hq->van 0", "\"0\" is no position; they count from 1"),
        ("forge hq->van 1 version -1", "\"-1\" is no version"),
        (
            "forge hq->van 1 lie",
            "forge FROM->TO [NUMBER] version V [of ATTRIBUTE], ahead DAYS, vector DSA USN, or classless"
        ),
        ("shout hq->van", "\"shout\" is no command"),
        ("shout", "\"shout\" is no command"),
        ("expect van", "expect WHO WHAT..."),
        ("expect van waiting few", "\"few\" is no number from 0"),
        ("expect all refused 8614", "\"refused\" is nothing to expect of all"),
        ("expect van sleeps well", "\"sleeps\" is nothing to expect"),
        ("hq: modify @a description=\"open", "a quote is not closed"),
        ("set speed 9", "no setting \"speed\""),
        ("forest a b", "a second forest line"),
    ])
    func `a wrong line is named with what is wrong`(line: String, sentence: String) {
        let error = #expect(throws: ScenarioError.self) { try ScenarioFile(parsing: Self.head + "\n" + line) }
        #expect(error == ScenarioError(line: 3, sentence))
    }

    @Test(arguments: [
        ("", "no forest line"), ("hq: stop", "a forest line comes first"),
        ("forest hq", "a forest has two DSAs or more"), ("forest hq hq", "a DSA is named twice"),
        ("forest hq all", "\"all\" is no name for a DSA"), ("forest hq a-b", "\"a-b\" is no name for a DSA"),
    ])
    func `a file needs a forest`(text: String, sentence: String) {
        let error = #expect(throws: ScenarioError.self) { try ScenarioFile(parsing: text) }
        #expect(error == ScenarioError(line: 1, sentence))
    }
}
