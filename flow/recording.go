package flow

import (
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Recording is the path of one message of a source through a pipeline. It encodes as JSON;
// flowtest.Replay runs it again.
type Recording struct {
	Flow string `json:"flow"`
	// Source is the name of the stage that the message came from.
	Source  string          `json:"source"`
	Started time.Time       `json:"started"`
	Message RecordedMessage `json:"message"`
	// Branches has the message itself, named "1", and everything that stages made of it:
	// "1.2" is the second part, branch or group that was made of "1".
	Branches []RecordedBranch `json:"branches"`
	// Cut is set when the path was longer than RecorderConfig.MaxEntries.
	Cut bool `json:"cut,omitzero"`
}

// RecordedMessage is a message as the source handed it out.
type RecordedMessage struct {
	ID      string            `json:"id"`
	Key     string            `json:"key,omitempty"`
	Time    time.Time         `json:"time,omitzero"`
	Attempt int               `json:"attempt,omitzero"`
	Headers map[string]string `json:"headers,omitempty"`
	// Value is the message's value; Omitted says why there is none.
	Value   jsontext.Value `json:"value,omitempty"`
	Omitted string         `json:"omitted,omitempty"`
}

// RecordedBranch is the path of one message, or of what was made of it.
type RecordedBranch struct {
	Name    string          `json:"name"`
	Entries []RecordedEntry `json:"entries,omitempty"`
	// Outcome is how the branch ended; Cause says why, where it was not done.
	Outcome string `json:"outcome"`
	Cause   string `json:"cause,omitempty"`
	// EndedMicros is when, in microseconds since Started.
	EndedMicros int64 `json:"ended_micros"`
}

// RecordedEntry is one entry into a stage. A Retry enters what is below it once for each
// attempt.
type RecordedEntry struct {
	Stage string `json:"stage"`
	// Micros is when, in microseconds since Started.
	Micros int64 `json:"micros"`
	// Value is what entered, where it differs from what entered the stage before.
	Value   jsontext.Value   `json:"value,omitempty"`
	Failure *RecordedFailure `json:"failure,omitempty"`
}

// RecordedFailure is how a message failed at a stage.
type RecordedFailure struct {
	// Class is the name of the error's connector.Class.
	Class string `json:"class"`
	Text  string `json:"text"`
	// Micros is when, in microseconds since Started.
	Micros int64 `json:"micros"`
	// AfterMicros is how long a throttled error asks to wait.
	AfterMicros int64 `json:"after_micros,omitzero"`
}

// String gives the path as a person reads it, one line for each entry.
func (r Recording) String() string {
	var all strings.Builder
	fmt.Fprintf(&all, "flow %s, message %s, recorded %s\n", r.Flow, r.Message.ID, r.Started.UTC().Format(time.RFC3339))
	var rows, b strings.Builder
	for _, branch := range r.Branches {
		for _, e := range branch.Entries {
			fmt.Fprintf(&rows, "%s\t%s\t+%v\t%s\n", branch.Name, e.Stage, micros(e.Micros), e.text())
		}
		fmt.Fprintf(&rows, "%s\t= %s\t+%v\t%s\n", branch.Name, branch.Outcome, micros(branch.EndedMicros), branch.Cause)
	}
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, err := io.WriteString(table, rows.String())
	if err = errors.Join(err, table.Flush()); err != nil {
		return err.Error() // a strings.Builder does not fail
	}
	for line := range strings.Lines(b.String()) {
		all.WriteString(strings.TrimRight(line, " \n") + "\n") // the table fills the last column
	}
	if r.Cut {
		all.WriteString("the path goes on beyond RecorderConfig.MaxEntries\n")
	}

	return all.String()
}

func (e RecordedEntry) text() string {
	if e.Failure == nil {
		return string(e.Value)
	}

	return strings.TrimSpace(fmt.Sprintf("%s failed after %v, %s: %s",
		string(e.Value), micros(e.Failure.Micros-e.Micros), e.Failure.Class, e.Failure.Text))
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
