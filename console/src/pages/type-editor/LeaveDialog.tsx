import { Button } from '../../ui/Button.tsx'
import { Dialog, DialogBody, DialogFoot } from '../../ui/Dialog.tsx'

export const LeaveDialog = ({ onLeave, onStay }: { onLeave: () => void; onStay: () => void }) => (
  <Dialog title="Leave without saving?" isAlert onClose={onStay}>
    <DialogBody>
      <p>What you changed is nowhere but on this page.</p>
    </DialogBody>
    <DialogFoot>
      <Button look="danger" onClick={onLeave}>
        Leave
      </Button>
      <Button look="primary" autoFocus onClick={onStay}>
        Stay
      </Button>
    </DialogFoot>
  </Dialog>
)
