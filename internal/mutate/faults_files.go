package main

// fileFaults read on in files that are not what they were.
func fileFaults() []fault {
	const file = "connector/fileconn/watch.go"

	return []fault{
		{
			name: "file-growth-not-seen", breaks: 19, file: file,
			wrong: "half a record at the end of a file is handed out while its writer goes on",
			old:   "case is > was:", new: "case is > was && false:",
		},
		{
			name: "file-cut-not-seen", breaks: 19, file: file,
			wrong: "records that are cut off while a file is read are lost without a word",
			old:   "case is < was:", new: "case is < was && false:",
		},
		{
			name: "file-rewrite-not-seen", breaks: 19, file: file,
			wrong: "records are made of what a file was and what it is",
			old:   "case !now.ModTime().Equal(w.opened.ModTime()):", new: "case false:",
		},
		{
			name: "file-change-seen-at-end-alone", breaks: 19, file: file,
			wrong: "what was read after a change is handed out before the change is seen",
			old:   "if err := w.unchanged(); err != nil {", new: "if err := w.unchanged(); n == 0 && err != nil {",
		},
		{
			name: "file-replacement-not-seen", breaks: 19, file: file,
			wrong: "a file that took the place of another one is never read",
			old:   "case !os.SameFile(w.opened, there):", new: "case !os.SameFile(w.opened, there) && false:",
		},
		{
			name: "file-cut-before-taken-for-whole", breaks: 19, file: file,
			wrong: "a last record without its line end is handed out where one is wanted",
			old:   "w.terminated && w.read > 0 &&", new: "false &&",
		},
	}
}
