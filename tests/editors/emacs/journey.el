;;; journey.el --- a goal's way through eglot -*- lexical-binding: t; coding: utf-8 -*-
;; emacs -Q --batch -l journey.el; the status is 255 where a step fails.
(require 'package)
(add-to-list 'package-directory-list "/usr/share/emacs/site-lisp/elpa") ; -Q skips Debian's own start
(package-initialize)
(require 'eglot)
(require 'cl-lib)
(require 'ert-x)

(defvar said nil "What the server told.")

(defun ok (what) (princ (concat "ok - " what "\n")))

(defun until (what condition)
  "Wait until CONDITION holds; fail with WHAT where it does not."
  (let ((end (+ (float-time) 20)) value)
    (while (and (not (setq value (funcall condition))) (< (float-time) end))
      (accept-process-output nil 0.05)
      (ert-run-idle-timers)) ; in a batch nobody is ever idle, and eglot tells of edits then
    (unless value (error "Timed out: %s; %S" what said))
    (ok what)
    value))

(cl-defmethod eglot-handle-notification :before (_server (_method (eql window/showMessage)) &key message &allow-other-keys)
  (push message said))
;; A person who is asked takes the first option.
(defvar asked nil)
(defun completing-read (prompt collection &rest _)
  (push prompt asked)
  (let ((first (car (all-completions "" collection)))) (or first "")))

(define-derived-mode plain-mode text-mode "Plain")
(add-to-list 'eglot-server-programs
             `(plain-mode . (,(getenv "SERVER") "serve"
                             :initializationOptions
                             (:settings ,(json-parse-string (getenv "SETTINGS") :object-type 'plist :false-object :json-false)))))
(setq eglot-sync-connect 20 eglot-autoshutdown nil eglot-confirm-server-initiated-edits nil
      eglot-send-changes-idle-time 0.05 project-vc-ignores nil
      flymake-no-changes-timeout 0.1 make-backup-files nil create-lockfiles nil)

(defun command (name &rest argument)
  (eglot-execute-command (eglot-current-server) (intern (concat "longshift." name)) (vector argument)))

(defun state (number)
  (let* ((hunks (append (plist-get (command "listHunks" :runId "R1") :hunks) nil))
         (hunk (cl-find number hunks :key (lambda (one) (plist-get one :hunk)))))
    (plist-get hunk :state)))

(with-current-buffer (find-file-noselect "a.txt")
  (plain-mode)
  (set-window-buffer (selected-window) (current-buffer))
  (goto-char (point-min))
  (call-interactively #'eglot)
  (until "managed" (lambda () (eglot-managed-p)))
  (flymake-mode 1)
  (cl-assert (equal (plist-get (command "startGoal" :goal "Shout it") :runId) "R1"))
  (until "ended" (lambda () (cl-some (lambda (text) (string-match "R1 has ended" text)) said)))
  (let ((found (until "a diagnostic" (lambda () (flymake-start) (flymake-diagnostics)))))
    (cl-assert (string-match "Say more here" (flymake-diagnostic-text (car found)))))

  ;; The question was put, and the option that was chosen is the answer.
  (let ((question (aref (plist-get (command "describeRun" :runId "R1") :questions) 0)))
    (cl-assert (equal (plist-get question :answer) "Loud") t "%S" question))
  (ok "question")

  (eglot-code-actions (point-min) (line-end-position) "quickfix.longshift.accept" t)
  (until "accepted by its action" (lambda () (string-match-p "^FIRST 🦀$" (buffer-string))))
  (until "and recorded" (lambda () (equal (state 1) "accepted")))

  (command "acceptChange" :runId "R1" :changeId "C1" :path "a.txt" :hunk 2)
  (until "accepted by command" (lambda () (string-match-p "^THIRD 🎈\nand more$" (buffer-string))))
  (until "and that is recorded" (lambda () (equal (state 2) "accepted")))
  (command "rejectChange" :runId "R1" :changeId "C1" :path "a.txt" :hunk 3 :reason "Too loud.")
  (cl-assert (equal (state 3) "rejected"))
  (ok "rejected by command")
  (let ((inhibit-message t)) (save-buffer))
  (eglot-shutdown (eglot-current-server))
  (ok "all"))
